// Bytes to plans. What a file says of itself is believed piece by piece: the header when its hash is right, the
// sections when theirs are, the structure when flatbuffers' verifier has walked it, a plan when plan's has.
#include <flatbuffers/flatbuffers.h>
#include <fmt/format.h>

#include <cstring>
#include <memory>
#include <set>

#include "artifact/artifact_generated.h"
#include "artifact/file_format.h"
#include "base/content_hash.h"
#include "base/file.h"
#include "base/text.h"
#include "base/write.h"

namespace snapgauge {
namespace {

/// Why an artifact is none; caught where its path is known.
struct Damaged {
  std::string why;
};

template <class T>
T object_at(std::string_view bytes, size_t offset) {
  T out;
  std::memcpy(static_cast<void*>(&out), bytes.data() + offset, sizeof out);
  return out;
}

template <class E>
E member(uint8_t number, E last, const char* what) {
  if (number > static_cast<uint8_t>(last)) throw Damaged{fmt::format("has {} as {}", number, what)};
  return static_cast<E>(number);
}

std::string text(const flatbuffers::String* s) { return s == nullptr ? std::string() : s->str(); }

/// Flatbuffers' verifier sees that a vector's length lies at a multiple of 4 and does not ask whether wider elements
/// lie at multiples of theirs.
template <class T>
std::vector<T> list(const flatbuffers::Vector<T>* v) {
  std::vector<T> out(v == nullptr ? 0 : v->size());
  if (!out.empty()) std::memcpy(out.data(), v->Data(), out.size() * sizeof(T));
  return out;
}

std::vector<BufferId> ids(const flatbuffers::Vector<uint32_t>* v) {
  std::vector<BufferId> out;
  for (flatbuffers::uoffset_t i = 0; v != nullptr && i < v->size(); ++i) out.push_back(BufferId{v->Get(i)});
  return out;
}

std::array<int64_t, 2> pair(const flatbuffers::Vector<int64_t>* v) {
  const std::vector<int64_t> both = list(v);
  if (both.size() != 2) throw Damaged{"has a window that is not one of two dimensions"};
  return {both[0], both[1]};
}

Window window(const fb::Window& w) {
  return {pair(w.kernel()),    pair(w.stride()), pair(w.dilation()), pair(w.pad_before()),
          pair(w.pad_after()), w.groups(),       w.count_padding()};
}

constexpr auto kLastFunction = Function::kProduct;

StepParams params(const fb::Step& step) {
  // Flatbuffers' verifier lets a kind without a value pass.
  if (step.params_type() != fb::Params::NONE && step.params() == nullptr)
    throw Damaged{"has parameters that are not there"};
  switch (step.params_type()) {
    case fb::Params::NONE: return {};
    case fb::Params::Window: return window(*step.params_as_Window());
    case fb::Params::Elementwise: {
      const auto& e = *step.params_as_Elementwise();
      return Elementwise{member(e.function(), kLastFunction, "a function"), e.a(), e.b()};
    }
    case fb::Params::OverAxes: {
      const auto& o = *step.params_as_OverAxes();
      return OverAxes{list(o.axes()), o.epsilon(), member(o.function(), kLastFunction, "a function")};
    }
    case fb::Params::Permutation: return Permutation{list(step.params_as_Permutation()->order())};
    case fb::Params::Region:
      return Region{list(step.params_as_Region()->begin()), list(step.params_as_Region()->step())};
    case fb::Params::Padding: {
      const auto& p = *step.params_as_Padding();
      return Padding{member(p.mode(), Padding::Mode::kEdge, "a way to pad"), list(p.before()), p.value()};
    }
    case fb::Params::Resizing: {
      const auto& r = *step.params_as_Resizing();
      return Resizing{member(r.nearest(), Resizing::Nearest::kCeil, "a rounding"), r.linear(), r.align_corners(),
                      r.half_pixel(), r.zero_of_one()};
    }
    case fb::Params::Blocks:
      return Blocks{pair(step.params_as_Blocks()->size()), step.params_as_Blocks()->columns_first()};
    case fb::Params::Indexed: {
      const auto& i = *step.params_as_Indexed();
      return Indexed{member(i.update(), Indexed::Update::kMul, "an update"), i.axis(), i.batch_dims()};
    }
    case fb::Params::Cumulation: {
      const auto& c = *step.params_as_Cumulation();
      return Cumulation{c.axis(), c.exclusive(), c.reverse()};
    }
    case fb::Params::Foreign: return Foreign{text(step.params_as_Foreign()->op()), step.params_as_Foreign()->result()};
  }
  throw Damaged{"has parameters of an unknown kind"};
}

class Reader {
 public:
  Reader(std::span<const std::byte> weights, ArtifactLayout& layout) : weights_(weights), layout_(layout) {}

  ArtifactGraph graph(const fb::Graph& g) {
    ArtifactGraph out;
    out.name = text(g.name());
    out.source = text(g.source());
    out.backend_graph = text(g.backend_graph());
    if (g.falls_back() != nullptr)
      for (const auto* node : *g.falls_back()) out.falls_back.push_back(text(node));
    Plan& plan = out.plan;
    if (g.buffers() != nullptr)
      for (const fb::Buffer* b : *g.buffers()) plan.buffers.push_back(buffer(*b, plan));
    if (g.steps() != nullptr)
      for (const fb::Step* s : *g.steps()) plan.steps.push_back(step(*s));
    plan.inputs = ids(g.inputs());
    plan.outputs = ids(g.outputs());
    if (g.output_names() != nullptr)
      for (const auto* name : *g.output_names()) plan.output_names.push_back(text(name));
    if (plan.output_names.size() != plan.outputs.size()) throw Damaged{"has outputs without names"};
    if (const std::string wrong = verify(plan); !wrong.empty()) throw Damaged{"has a plan that is not sound: " + wrong};
    split(plan, false);  // nothing is undecided, so only the parts are found again
    return out;
  }

 private:
  static Step step(const fb::Step& s) {
    Step out;
    out.kind = member(s.kind(), StepKind::kForeign, "a kind of step");
    out.executor = member(s.executor(), Executor::kCpu, "an executor");
    out.node = text(s.node());
    out.inputs = ids(s.inputs());
    out.output = BufferId{s.output()};
    out.params = params(s);
    return out;
  }

  Buffer buffer(const fb::Buffer& b, const Plan& plan) {
    Buffer out;
    out.name = text(b.name());
    out.dtype = member(b.dtype(), kLastDType, "a datatype");
    out.role = member(b.role(), BufferRole::kTemporary, "a role");
    out.dims = list(b.dims());
    out.quant = {list(b.scales()), list(b.zero_points()), b.axis()};
    out.same_bytes = BufferId{b.same_bytes()};
    if (out.same_bytes.valid() && out.same_bytes.index >= plan.buffers.size())
      throw Damaged{"has another buffer's bytes in front of it"};
    if (out.role == BufferRole::kConstant) out.data = constant(out, b.offset(), plan);
    return out;
  }

  std::span<const std::byte> constant(const Buffer& b, uint64_t offset, const Plan& plan) {
    if (b.same_bytes.valid()) return plan.buffer(b.same_bytes).data;
    uint64_t elements = 1;
    for (const int64_t d : b.dims)
      if (d < 0 || __builtin_mul_overflow(elements, static_cast<uint64_t>(d), &elements) || elements > kMostElements)
        throw Damaged{"has a constant of no possible size"};
    const uint64_t bytes = b.bytes();
    if (offset % kPlanAlignment != 0 || offset > weights_.size() || bytes > weights_.size() - offset)
      throw Damaged{"has a constant beyond its weights"};
    ++layout_.constants;
    layout_.constant_bytes += bytes;
    return weights_.subspan(offset, bytes);
  }

  static constexpr uint64_t kMostElements = uint64_t{1} << 40U;
  std::span<const std::byte> weights_;
  ArtifactLayout& layout_;
};

/// Between sections, where no hash looks.
void require_zeros(std::string_view bytes, uint64_t from, uint64_t to) {
  if (to < from || to - from >= kHeaderBytes || bytes.substr(from, to - from).find_first_not_of('\0') != bytes.npos)
    throw Damaged{"was altered: between its sections is something else than a few zeros"};
}

/// The sections of a file whose hashes are right.
ArtifactLayout layout_of(std::string_view bytes) {
  if (bytes.size() < kArtifactMagic.size() ||
      std::memcmp(bytes.data(), kArtifactMagic.data(), kArtifactMagic.size()) != 0)
    throw Damaged{"is no artifact"};
  if (bytes.size() < kHeaderBytes) throw Damaged{"was cut off in its header"};
  const auto header = object_at<ArtifactHeader>(bytes, 0);
  if (header.version != kArtifactVersion)
    throw Damaged{
        fmt::format("is an artifact of version {}; this program reads version {}", header.version, kArtifactVersion)};
  if (header.header_hash != hash_of(header)) throw Damaged{"was altered: the hash of its header is another"};
  if (header.header_bytes != kHeaderBytes) throw Damaged{"has a header of another length"};
  ArtifactLayout out;
  const auto section = [&](const char* what, uint64_t offset, uint64_t length, uint64_t hash) {
    if (offset % kPlanAlignment != 0 || offset < kHeaderBytes) throw Damaged{"has a section at no possible place"};
    if (offset > bytes.size() || length > bytes.size() - offset)
      throw Damaged{fmt::format("was cut off: its {} lie{} behind its end", what, what[0] == 'w' ? "" : "s")};
    if (content_hash(bytes.substr(offset, length)) != hash)
      throw Damaged{fmt::format("was altered: the hash of its {} is another", what)};
  };
  section("structure", header.structure_offset, header.structure_bytes, header.structure_hash);
  section("weights", header.weights_offset, header.weights_bytes, header.weights_hash);
  out.structure_offset = header.structure_offset;
  out.structure_bytes = header.structure_bytes;
  out.structure_hash = header.structure_hash;
  out.weights_offset = header.weights_offset;
  out.weights_bytes = header.weights_bytes;
  out.weights_hash = header.weights_hash;
  require_zeros(bytes, sizeof header, out.structure_offset);
  require_zeros(bytes, out.structure_offset + out.structure_bytes, out.weights_offset);
  const uint64_t end = out.weights_offset + out.weights_bytes;
  if (bytes.size() == end) return out;
  const auto block =
      bytes.size() - end == sizeof(SignatureBlock) ? object_at<SignatureBlock>(bytes, end) : SignatureBlock{{}};
  if (block.magic != kSignatureMagic) throw Damaged{"has something behind its end that is no signature"};
  out.signature = Signature{{block.signer}, block.bytes};
  return out;
}

const fb::Artifact& structure_of(std::string_view bytes, const ArtifactLayout& layout) {
  // A table takes at least 4 bytes, and a graph is four tables deep.
  constexpr flatbuffers::uoffset_t kDepth = 16;
  const auto* at = reinterpret_cast<const uint8_t*>(bytes.data() + layout.structure_offset);
  const auto tables = static_cast<flatbuffers::uoffset_t>(std::min<uint64_t>(layout.structure_bytes / 4, UINT32_MAX));
  flatbuffers::Verifier verifier(at, layout.structure_bytes, kDepth, tables);
  if (layout.structure_bytes >= FLATBUFFERS_MAX_BUFFER_SIZE || !fb::VerifyArtifactBuffer(verifier))
    throw Damaged{"has a structure that is no flatbuffer of an artifact"};
  const fb::Artifact& out = *fb::GetArtifact(at);
  if (out.vocabulary() != vocabulary())
    throw Damaged{fmt::format("was made by another version of this program ({})", printable(text(out.tool_version())))};
  return out;
}

ReadArtifact parse(std::string_view bytes, const std::shared_ptr<const void>& holder) {
  ReadArtifact out;
  out.layout = layout_of(bytes);
  const fb::Artifact& from = structure_of(bytes, out.layout);
  Artifact& a = out.artifact;
  a.tool_version = text(from.tool_version());
  a.mode = text(from.mode());
  if (const fb::Target* target = from.target()) {
    a.backend = text(target->backend());
    a.soc = text(target->soc());
    a.arch = text(target->arch());
    a.sdk = text(target->sdk());
    a.pipeline = text(target->pipeline());
    a.vtcm_mb = target->vtcm_mb();
  }
  if (from.options() != nullptr)
    for (const fb::Option* o : *from.options()) a.options.emplace_back(text(o->key()), text(o->value()));
  Reader reader(std::as_bytes(std::span(bytes.substr(out.layout.weights_offset, out.layout.weights_bytes))),
                out.layout);
  std::set<std::string> names;
  if (from.graphs() != nullptr)
    for (const fb::Graph* g : *from.graphs()) {
      a.graphs.push_back(reader.graph(*g));
      a.graphs.back().plan.keep_alive.push_back(holder);
      if (!names.insert(a.graphs.back().name).second) throw Damaged{"has two graphs of one name"};
    }
  if (a.graphs.empty()) throw Damaged{"has no graph"};
  return out;
}

Error damaged(const std::string& path, const Damaged& fault) { return {ErrorCode::kParse, path, fault.why}; }

std::span<const std::byte> signed_bytes(std::string_view bytes, const ArtifactLayout& layout) {
  return std::as_bytes(std::span(bytes.substr(0, layout.weights_offset + layout.weights_bytes)));
}

}  // namespace

uint64_t hash_of(const ArtifactHeader& header) {
  return content_hash(bytes_of(header).substr(0, offsetof(ArtifactHeader, header_hash)));
}

uint64_t vocabulary() {
  static const uint64_t hash = [] {
    std::string words;
    for (int k = 0; k <= static_cast<int>(StepKind::kForeign); ++k)
      words += step_name(static_cast<StepKind>(k)), words += ' ';
    for (int f = 0; f <= static_cast<int>(kLastFunction); ++f)
      words += function_name(static_cast<Function>(f)), words += ' ';
    for (int d = 0; d <= static_cast<int>(kLastDType); ++d) words += dtype_name(static_cast<DType>(d)), words += ' ';
    return content_hash(words);
  }();
  return hash;
}

Result<ReadArtifact> parse_artifact(std::string_view bytes, const std::shared_ptr<const void>& holder,
                                    const std::string& name, const PublicKey* trusted) {
  try {
    if (trusted == nullptr) return parse(bytes, holder);
    const ArtifactLayout layout = layout_of(bytes);
    if (!layout.signature) return Error{ErrorCode::kUsage, name, "is not signed, and a signature is required"};
    if (auto right = verify(signed_bytes(bytes, layout), *layout.signature, *trusted); !right)
      return Error{right.error().code, name, right.error().text};
    return parse(bytes, holder);
  } catch (const Damaged& fault) {
    return damaged(name, fault);
  }
}

Result<ReadArtifact> read_artifact(const std::string& path, const PublicKey* trusted) {
  auto opened = MappedFile::open(path);
  if (!opened) return opened.error();
  const auto file = std::make_shared<const MappedFile>(std::move(*opened));
  return parse_artifact(file->text(), file, path, trusted);
}

bool is_artifact(const std::string& path) {
  return beginning_of(path, kArtifactMagic.size()) == std::string_view(kArtifactMagic.data(), kArtifactMagic.size());
}

Status sign_artifact(const std::string& path, const SecretKey& key, const std::string& to) {
  const auto file = MappedFile::open(path);
  if (!file) return file.error();
  try {
    const ArtifactLayout layout = parse(file.value().text(), nullptr).layout;
    const auto content = signed_bytes(file.value().text(), layout);
    const auto signature = sign(content, key);
    if (!signature) return Error{signature.error().code, path, signature.error().text};
    const SignatureBlock block{kSignatureMagic, signature.value().signer.bytes, signature.value().bytes};
    const std::string_view text(reinterpret_cast<const char*>(content.data()), content.size());
    return write_file(to.empty() ? path : to, std::vector<std::string_view>{text, bytes_of(block)}, path);
  } catch (const Damaged& fault) {
    return damaged(path, fault);
  }
}

}  // namespace snapgauge
