#include "formats/onnx/data.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <filesystem>

#include "base/text.h"
#include "formats/onnx/reader.h"
#include "formats/onnx/wire.h"

namespace snapgauge::onnx {
namespace {

// Absolute paths and ".." would let a model read any file of its user.
bool escapes_folder(std::string_view location) {
  if (location.empty() || location.find('\0') != std::string_view::npos) return true;
  if (location[0] == '/' || location[0] == '\\' || (location.size() > 1 && location[1] == ':')) return true;
  while (true) {
    const size_t end = location.find_first_of("/\\");
    if (location.substr(0, end) == "..") return true;
    if (end == std::string_view::npos) return false;
    location.remove_prefix(end + 1);
  }
}

/// Appends the low bytes of numbers, as the little-endian host stores them.
class Bytes {
 public:
  explicit Bytes(size_t width) : width_(width) {}

  template <class T>
  void add(T v) {
    const size_t at = bytes_.size();
    bytes_.resize(at + width_);
    std::memcpy(bytes_.data() + at, &v, std::min(width_, sizeof(T)));
  }
  const std::vector<std::byte>& get() const { return bytes_; }

 private:
  size_t width_;
  std::vector<std::byte> bytes_;
};

// Field that holds the elements of a dtype in a TensorProto without raw_data.
uint32_t typed_field(DType dtype) {
  switch (dtype) {
    case DType::kFloat32: return 4;
    case DType::kFloat64: return 10;
    case DType::kInt64: return 7;
    case DType::kUint32:
    case DType::kUint64: return 11;
    default: return 5;
  }
}

std::vector<std::byte> decode_typed(const Tensor& t) {
  Bytes out(std::max<size_t>(1, static_cast<size_t>(bit_width(t.dtype)) / 8));
  const bool attribute = t.source == Tensor::Source::kAttribute;
  Fields fields(t.message);
  while (fields.next()) {
    const uint32_t number = fields.number();
    if (attribute && t.dtype == DType::kFloat32 && (number == 2 || number == 7)) {
      fields.reals([&](float v) { out.add(v); });
    } else if (attribute && t.dtype == DType::kInt64 && (number == 3 || number == 8)) {
      fields.integers([&](int64_t v) { out.add(v); });
    } else if (attribute || number != typed_field(t.dtype)) {
      fields.skip();
    } else if (number == 4) {
      fields.reals([&](float v) { out.add(v); });
    } else if (number == 10) {
      fields.doubles([&](double v) { out.add(v); });
    } else {
      fields.integers([&](int64_t v) { out.add(v); });
    }
  }
  return out.get();
}

std::string tensor_text(const Tensor& t) { return fmt::format("tensor '{}'", printable(t.name)); }

void check_size(const Tensor& t, uint64_t found, uint64_t expected) {
  if (found != expected)
    fail(ErrorCode::kParse,
         fmt::format("{} has {} bytes of data, its type and shape need {}", tensor_text(t), found, expected));
}

}  // namespace

TensorData::TensorData(const Model& model, GraphBuilder& builder, std::optional<ExternalData> external)
    : model_(model), builder_(builder), external_(std::move(external)), made_(model.tensors.size()) {
  for (const Tensor& t : model.tensors)
    if (t.external && escapes_folder(t.location))
      fail(ErrorCode::kParse,
           fmt::format("{} lies outside the model's folder: '{}'", tensor_text(t), printable(t.location)));
}

ConstantId TensorData::constant(uint32_t tensor, bool needed) {
  ConstantId& id = made_[tensor];
  const bool lacks_data = !id.valid() || builder_.graph().constants[id.index].data == nullptr;
  if (!lacks_data || (id.valid() && !needed)) return id;
  try {
    id = load(model_.tensors[tensor], needed);
  } catch (const protozero::exception& e) {
    fail(ErrorCode::kParse, fmt::format("{}: {}", tensor_text(model_.tensors[tensor]), e.what()));
  }
  return id;
}

ConstantId TensorData::load(const Tensor& t, bool needed) {
  const ConstantId nothing = builder_.add_constant(t.dtype, t.count, static_cast<const std::byte*>(nullptr));
  const int bits = bit_width(t.dtype);
  if (bits == 0 || t.dtype == DType::kComplex || t.count == 0) return nothing;
  const uint64_t size = (t.count * static_cast<uint64_t>(bits) + 7) / 8;
  if (t.external) {
    if (!needed && t.count > kOnnxMaxConstantElements) return nothing;
    return load_external(t, size, needed);
  }
  if (!t.raw.empty()) {
    check_size(t, t.raw.size(), size);
    return builder_.add_constant(t.dtype, t.count, reinterpret_cast<const std::byte*>(t.raw.data()));
  }
  if (!needed && t.count > kOnnxMaxConstantElements) return nothing;
  const std::vector<std::byte> bytes = decode_typed(t);
  if (bytes.empty()) {
    if (needed) fail(ErrorCode::kParse, fmt::format("{} is a quantization parameter and has no data", tensor_text(t)));
    return nothing;
  }
  check_size(t, bytes.size(), size);
  auto copy = std::make_unique<std::byte[]>(bytes.size());
  std::memcpy(copy.get(), bytes.data(), bytes.size());
  return builder_.add_constant(t.dtype, t.count, std::move(copy));
}

ConstantId TensorData::load_external(const Tensor& t, uint64_t size, bool needed) {
  const ConstantId nothing = builder_.add_constant(t.dtype, t.count, static_cast<const std::byte*>(nullptr));
  const MappedFile* file = external_file(std::string(t.location), needed);
  if (file == nullptr) return nothing;
  const auto bytes = file->bytes();
  if (t.offset > bytes.size() || t.length.value_or(size) > bytes.size() - t.offset) {
    if (!needed) return nothing;
    fail(ErrorCode::kParse,
         fmt::format("{}: {} bytes at {} lie outside the external file '{}' of {} bytes", tensor_text(t),
                     t.length.value_or(size), t.offset, printable(t.location), bytes.size()));
  }
  check_size(t, t.length.value_or(size), size);
  return builder_.add_constant(t.dtype, t.count, bytes.data() + t.offset);
}

/// The real path of a location; as it is where nothing is there. Links of a stranger's folder lead anywhere.
std::string TensorData::allowed_path(const std::string& location) const {
  namespace fs = std::filesystem;
  std::error_code error;
  const fs::path real = fs::canonical(fs::path(external_->model).parent_path() / location, error);
  if (error) return (fs::path(external_->model).parent_path() / location).native();
  std::vector<fs::path> folders{fs::canonical(external_->model, error).parent_path()};
  for (const std::string& folder : external_->allowed) folders.push_back(fs::canonical(folder, error));
  const auto holds = [&](const fs::path& folder) {
    return !folder.empty() &&
           std::mismatch(folder.begin(), folder.end(), real.begin(), real.end()).first == folder.end();
  };
  if (std::none_of(folders.begin(), folders.end(), holds))
    fail(ErrorCode::kParse, fmt::format("external data '{}' is really {}, outside the model's folder and every folder "
                                        "that --allow-external names",
                                        printable(location), printable(real.native())));
  return real.native();
}

const MappedFile* TensorData::external_file(const std::string& location, bool needed) {
  if (!external_) {
    if (!needed) return nullptr;
    fail(ErrorCode::kIo, fmt::format("quantization parameters lie in '{}', which is not read", printable(location)));
  }
  if (const auto it = files_.find(location); it != files_.end() && (it->second || !needed)) return it->second.get();
  std::shared_ptr<const MappedFile>& file = files_[location];
  auto opened = MappedFile::open(allowed_path(location));
  if (opened) {
    file = std::make_shared<const MappedFile>(std::move(opened).value());
    builder_.graph().keep_alive.push_back(file);
  } else if (needed) {
    fail(ErrorCode::kIo, fmt::format("quantization parameters lie in the external file '{}': {}", printable(location),
                                     opened.error().text));
  }
  return file.get();
}

std::shared_ptr<const MappedFile> TensorData::file(const std::string& location) const {
  auto opened = MappedFile::open(allowed_path(location));
  if (!opened)
    fail(opened.error().code, fmt::format("external data '{}': {}", printable(location), opened.error().text));
  return std::make_shared<const MappedFile>(std::move(opened).value());
}

std::optional<std::vector<int64_t>> TensorData::integers(uint32_t tensor, bool needed) {
  return constant_integers(builder_.graph(), constant(tensor, needed));
}

std::optional<std::vector<double>> TensorData::reals(uint32_t tensor, bool needed) {
  return constant_reals(builder_.graph(), constant(tensor, needed));
}

}  // namespace snapgauge::onnx
