#include "api/samples.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <functional>
#include <map>

#include "api/runner.h"
#include "base/file.h"
#include "base/text.h"
#include "formats/npz/npz.h"

namespace snapgauge {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kMostSamples = 1'000'000;  // of one source

std::optional<uint64_t> whole(std::string_view text) {
  uint64_t out = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return out;
}

/// How many inputs of these dimensions an array holds: it is one, or has them behind each other in a dimension of
/// their own or in the first; 0: none of these.
uint64_t samples_in(std::span<const int64_t> array, std::span<const int64_t> input) {
  if (std::ranges::equal(array, input)) return 1;
  if (array.size() == input.size() + 1 && std::ranges::equal(array.subspan(1), input))
    return static_cast<uint64_t>(array[0]);
  const bool same_rest =
      !input.empty() && array.size() == input.size() && std::ranges::equal(array.subspan(1), input.subspan(1));
  return same_rest && input[0] > 0 && array[0] % input[0] == 0 ? static_cast<uint64_t>(array[0] / input[0]) : 0;
}

/// A file with inputs of one kind behind each other. One with several stays open.
struct Pieces {
  std::string path;
  const Buffer* wanted;
  bool raw;
  std::shared_ptr<const MappedFile> file = nullptr;
};

Result<std::vector<std::byte>> piece(const Pieces& pieces, uint64_t index) {
  std::shared_ptr<const MappedFile> file = pieces.file;
  if (file == nullptr) {
    auto opened = MappedFile::open(pieces.path);
    if (!opened) return opened.error();
    file = std::make_shared<const MappedFile>(std::move(*opened));
  }
  std::span<const std::byte> data = file->bytes();
  if (!pieces.raw) {
    const auto tensor = read_npy(file->text(), pieces.path);
    if (!tensor) return tensor.error();
    data = tensor.value().data;
  }
  const uint64_t size = pieces.wanted->bytes();
  if ((index + 1) * size > data.size()) return Error{ErrorCode::kIo, pieces.path, "changed while it was read"};
  const auto from = data.subspan(index * size, size);
  return std::vector<std::byte>(from.begin(), from.end());
}

Error does_not_fit(const std::string& path, const std::string& what, const Buffer& wanted) {
  return {
      ErrorCode::kUsage, path,
      fmt::format("is {}, the input '{}' is {}", what, printable(wanted.name), tensor_text(wanted.dtype, wanted.dims))};
}

/// How many there are.
Result<uint64_t> count_in(const MappedFile& file, const Pieces& pieces) {
  const Buffer& wanted = *pieces.wanted;
  if (pieces.raw) {
    const uint64_t size = file.bytes().size();
    if (size > 0 && wanted.bytes() > 0 && size % wanted.bytes() == 0) return size / wanted.bytes();
    return does_not_fit(pieces.path, fmt::format("{} bytes", size), wanted);
  }
  const auto tensor = read_npy(file.text(), pieces.path);
  if (!tensor) return tensor.error();
  const uint64_t count = samples_in(tensor.value().dims, wanted.dims);
  if (count > 0 && count <= kMostSamples && tensor.value().dtype == wanted.dtype) return count;
  return does_not_fit(pieces.path, tensor_text(tensor.value().dtype, tensor.value().dims), wanted);
}

/// Member names that tell sample and input: "in3_0".
std::optional<std::pair<uint64_t, uint64_t>> sample_and_input(std::string_view name) {
  const size_t bar = name.find('_');
  if (!name.starts_with("in") || bar == std::string_view::npos) return std::nullopt;
  const auto sample = whole(name.substr(2, bar - 2)), input = whole(name.substr(bar + 1));
  if (!sample || !input) return std::nullopt;
  return std::pair(*sample, *input);
}

bool ends_with(const std::string& path, std::string_view ending) { return path.ends_with(ending); }

Result<std::vector<std::string>> files_in(const std::string& folder) {
  std::vector<std::string> out;
  std::error_code error;
  for (auto it = fs::directory_iterator(folder, error); !error && it != fs::directory_iterator(); it.increment(error))
    for (const std::string_view ending : {".npy", ".npz", ".raw"})
      if (it->path().native().ends_with(ending)) out.push_back(it->path().native());
  if (error) return Error{ErrorCode::kIo, folder, error.message()};
  if (out.empty()) return Error{ErrorCode::kUsage, folder, "holds no .npy, .npz or .raw files"};
  std::sort(out.begin(), out.end());
  return out;
}

}  // namespace

/// Fills the list.
class SampleReader {
 public:
  SampleReader(const Plan& plan, Samples& out) : plan_(plan), out_(out) {}

  Status add(const std::string& source) {
    std::error_code unknown;
    if (source.starts_with("random:")) return random(source);
    if (fs::is_directory(source, unknown)) {
      const auto files = files_in(source);
      if (!files) return files.error();
      for (const std::string& file : files.value())
        if (Status s = add(file); !s) return s;
      return Done{};
    }
    if (ends_with(source, ".npz")) return archive(source);
    if (ends_with(source, ".txt")) return list(source);
    return pieces(source, ends_with(source, ".raw"));
  }

 private:
  Status random(const std::string& source) {
    const std::string_view text = std::string_view(source).substr(source.find(':') + 1);
    const size_t colon = text.find(':');
    const auto count = whole(text.substr(0, colon));
    const auto seed = colon == std::string_view::npos ? std::optional<uint64_t>(1) : whole(text.substr(colon + 1));
    if (!count || !seed || *count == 0 || *count > kMostSamples)
      return Error{ErrorCode::kUsage, "--calib", fmt::format("\"{}\" is not random:N or random:N:SEED", source)};
    for (uint64_t i = 0; i < *count; ++i)
      out_.readers_.push_back([plan = &plan_, s = *seed + i] { return random_inputs(*plan, s); });
    return Done{};
  }

  Status pieces(const std::string& path, bool raw) {
    if (plan_.inputs.size() != 1)
      return Error{ErrorCode::kUsage, path,
                   fmt::format("the model has {} inputs: give .npz files, or a .txt with a line for each sample",
                               plan_.inputs.size())};
    auto file = MappedFile::open(path);
    if (!file) return file.error();
    Pieces pieces{path, &plan_.buffer(plan_.inputs[0]), raw};
    const auto count = count_in(file.value(), pieces);
    if (!count) return count.error();
    if (count.value() > 1) pieces.file = std::make_shared<const MappedFile>(std::move(*file));
    for (uint64_t i = 0; i < count.value(); ++i)
      out_.readers_.push_back([pieces, i]() -> Result<std::vector<NamedTensor>> {
        auto data = piece(pieces, i);
        if (!data) return data.error();
        std::vector<NamedTensor> out;
        out.push_back({pieces.wanted->name, pieces.path, pieces.wanted->dtype, pieces.wanted->dims, std::move(*data)});
        return out;
      });
    return Done{};
  }

  Status list(const std::string& path) {
    auto lines = read_input_list(path);
    if (!lines) return lines.error();
    for (std::vector<std::string>& line : *lines)
      out_.readers_.push_back([plan = &plan_, line = std::move(line)] { return read_inputs(*plan, line); });
    return Done{};
  }

  Status archive(const std::string& path) {
    auto opened = NpzFile::open(path);
    if (!opened) return opened.error();
    const auto file = std::make_shared<const NpzFile>(std::move(*opened));
    std::map<uint64_t, std::vector<size_t>> samples;  // members by sample, in the order of inputs
    for (size_t m = 0; m < file->names().size(); ++m)
      if (const auto place = sample_and_input(file->names()[m]); place && place->second < plan_.inputs.size()) {
        std::vector<size_t>& members = samples[place->first];
        members.resize(plan_.inputs.size(), SIZE_MAX);
        members[place->second] = m;
      }
    if (samples.empty()) return named_arrays(path, file);
    for (const auto& [sample, members] : samples) {
      if (std::find(members.begin(), members.end(), SIZE_MAX) != members.end())
        return Error{ErrorCode::kUsage, path,
                     fmt::format("sample {} has not all of {} inputs", sample, members.size())};
      out_.readers_.push_back(
          [plan = &plan_, path, file, members = members] { return members_of(*plan, path, *file, members); });
    }
    return Done{};
  }

  static Result<std::vector<NamedTensor>> members_of(const Plan& plan, const std::string& path, const NpzFile& file,
                                                     const std::vector<size_t>& members) {
    std::vector<NamedTensor> out;
    for (size_t i = 0; i < members.size(); ++i) {
      const Buffer& wanted = plan.buffer(plan.inputs[i]);
      const auto read = file.read(members[i]);
      if (!read) return read.error();
      const NpyTensor& t = read.value().tensor;
      if (t.dtype != wanted.dtype || t.dims != wanted.dims)
        return does_not_fit(fmt::format("{}: {}", path, printable(file.names()[members[i]])),
                            tensor_text(t.dtype, t.dims), wanted);
      out.push_back({wanted.name, path, t.dtype, t.dims, {t.data.begin(), t.data.end()}});
    }
    return out;
  }

  /// An array for each input, with one sample or all of them; those stay in memory.
  Status named_arrays(const std::string& path, const std::shared_ptr<const NpzFile>& file) {
    const auto arrays = std::make_shared<std::vector<NpzTensor>>();
    uint64_t count = 0;
    for (const BufferId id : plan_.inputs) {
      const Buffer& wanted = plan_.buffer(id);
      const auto it = std::find(file->names().begin(), file->names().end(), wanted.name);
      if (it == file->names().end())
        return Error{ErrorCode::kUsage, path,
                     fmt::format("has no array '{}' for that input, and none called in0_0", printable(wanted.name))};
      auto read = file->read(static_cast<size_t>(it - file->names().begin()));
      if (!read) return read.error();
      const NpyTensor& t = read->tensor;
      const uint64_t here = t.dtype == wanted.dtype ? samples_in(t.dims, wanted.dims) : 0;
      if (here == 0 || here > kMostSamples || (count > 0 && here != count))
        return does_not_fit(fmt::format("{}: {}", path, printable(wanted.name)), tensor_text(t.dtype, t.dims), wanted);
      count = here;
      arrays->push_back(std::move(*read));
    }
    for (uint64_t s = 0; s < count; ++s)
      out_.readers_.push_back([plan = &plan_, path, arrays, s]() -> Result<std::vector<NamedTensor>> {
        std::vector<NamedTensor> out;
        for (size_t i = 0; i < arrays->size(); ++i) {
          const Buffer& wanted = plan->buffer(plan->inputs[i]);
          const auto from = (*arrays)[i].tensor.data.subspan(s * wanted.bytes(), wanted.bytes());
          out.push_back({wanted.name, path, wanted.dtype, wanted.dims, {from.begin(), from.end()}});
        }
        return out;
      });
    return Done{};
  }

  const Plan& plan_;
  Samples& out_;
};

Result<Samples> Samples::open(const Plan& plan, const std::vector<std::string>& sources) {
  Samples out;
  SampleReader reader(plan, out);
  for (const std::string& source : sources)
    if (Status s = reader.add(source); !s) return s.error();
  if (out.readers_.empty()) return Error{ErrorCode::kUsage, "--calib", "gives no samples"};
  return out;
}

Result<std::vector<NamedTensor>> Samples::read(size_t index) const { return readers_[index](); }

}  // namespace snapgauge
