#include "check/memo.h"

#include <algorithm>
#include <bit>

namespace snapgauge {
namespace {

constexpr size_t kLongestKey = 512;
constexpr size_t kMostEntries = 65536;

}  // namespace

const std::string_view* JudgementMemo::find(NodeId node) {
  key_.clear();
  groups_.clear();
  usable_ = describe(graph_.node(node)) && key_.size() <= kLongestKey;
  if (!usable_) return nullptr;
  const auto it = accepted_.find(key_);
  return it == accepted_.end() ? nullptr : &it->second;
}

void JudgementMemo::accept(std::string_view backend_op) {
  if (usable_ && accepted_.size() < kMostEntries) accepted_.emplace(key_, backend_op);
}

bool JudgementMemo::describe(const Node& node) {
  key_.push_back(node.op.index);
  for (const Arg& arg : graph_.args_of(node.args))
    if (!describe(arg, 0)) return false;
  for (const NamedArg& named : graph_.named_of(node)) {
    key_.push_back(named.name.index);
    if (!describe(named.arg, 0)) return false;
  }
  for (uint32_t v = node.outputs.first; v < node.outputs.end(); ++v) {
    const Value& value = graph_.values[v];
    // Results that a getitem picks may have their spec there.
    if (value.selected_as.valid()) return false;
    describe(value, sharing_.place(ValueId{v}));
  }
  return true;
}

bool JudgementMemo::describe(const Arg& arg, int depth) {
  const auto kind = static_cast<uint64_t>(arg.kind) << 56U;
  switch (arg.kind) {
    case Arg::Kind::kNone: key_.push_back(kind); return true;
    case Arg::Kind::kInt:
    case Arg::Kind::kBool:
      key_.push_back(kind);
      key_.push_back(static_cast<uint64_t>(arg.integer));
      return true;
    case Arg::Kind::kFloat:
      key_.push_back(kind);
      key_.push_back(std::bit_cast<uint64_t>(arg.real));
      return true;
    case Arg::Kind::kString:
    case Arg::Kind::kTensor: key_.push_back(kind | arg.index); return true;
    case Arg::Kind::kList:
      if (depth > 4) return false;
      key_.push_back(kind | arg.list.count);
      return std::all_of(graph_.args.begin() + arg.list.first, graph_.args.begin() + arg.list.end(),
                         [&](const Arg& element) { return describe(element, depth + 1); });
    case Arg::Kind::kUse: break;
  }
  const Use& use = graph_.uses[arg.index];
  if (!use.value.valid()) return false;
  const Value& value = graph_.value(use.value);
  // Without a spec of its own the edge may reach through operators that the pipeline removes.
  if (use.spec.kind == SpecRef::Kind::kNone && graph_.node(value.producer).kind == NodeKind::kCall) return false;
  key_.push_back(kind | (use.spec.kind == SpecRef::Kind::kNone ? 0U : 1U) | (use.annotated ? 2U : 0U) |
                 (use.repeats ? 4U : 0U) | static_cast<uint64_t>(staticness_[use.value.index]) << 8U);
  describe(value, sharing_.place(UseId{arg.index}));
  return true;
}

void JudgementMemo::describe(const Value& value, PlaceId place) {
  const uint32_t group = sharing_.group(place);
  auto known = std::find(groups_.begin(), groups_.end(), group);
  if (known == groups_.end()) known = groups_.insert(groups_.end(), group);
  key_.push_back(static_cast<uint64_t>(value.dtype) | static_cast<uint64_t>(static_cast<uint16_t>(value.rank)) << 8U |
                 static_cast<uint64_t>(known - groups_.begin()) << 24U |
                 static_cast<uint64_t>(sharing_.derived(place) != nullptr) << 60U |
                 static_cast<uint64_t>(sharing_.stated(place)) << 61U);
  describe(sharing_.spec(place));
  key_.push_back(value.constant.index);
  for (int64_t d : graph_.shape(value)) key_.push_back(static_cast<uint64_t>(d));
}

/// Derived specs are one a node but say the same; those with numbers are told apart by identity.
void JudgementMemo::describe(const Spec* spec) {
  if (spec == nullptr || !spec->scales.empty() || !spec->zero_points.empty() || !spec->block.empty()) {
    key_.push_back(std::bit_cast<uint64_t>(spec));
    return;
  }
  key_.push_back(
      static_cast<uint64_t>(spec->storage) | static_cast<uint64_t>(spec->scheme) << 8U |
      static_cast<uint64_t>(spec->fixed) << 16U | static_cast<uint64_t>(spec->dynamic) << 17U |
      static_cast<uint64_t>(spec->computed_scale) << 18U | static_cast<uint64_t>(spec->double_quantized) << 19U |
      static_cast<uint64_t>(spec->qmin.has_value()) << 20U | static_cast<uint64_t>(spec->qmax.has_value()) << 21U |
      static_cast<uint64_t>(spec->axis.has_value()) << 22U | uint64_t{1} << 63U);
  key_.push_back(static_cast<uint64_t>(spec->qmin.value_or(0)));
  key_.push_back(static_cast<uint64_t>(spec->qmax.value_or(0)));
  key_.push_back(static_cast<uint64_t>(spec->axis.value_or(0)));
}

}  // namespace snapgauge
