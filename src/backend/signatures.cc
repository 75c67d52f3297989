#include "backend/signatures.h"

#include <algorithm>
#include <bit>

namespace snapgauge {
namespace {

constexpr size_t kLongestKey = 512;
constexpr size_t kMostEntries = 65536;

}  // namespace

OpClassId Signatures::find(NodeId node) {
  key_.clear();
  groups_.clear();
  usable_ = describe(graph_.node(node)) && key_.size() <= kLongestKey;
  if (!usable_) return {};
  const auto it = known_.find(key_);
  return it == known_.end() ? OpClassId{} : it->second;
}

void Signatures::add(OpClassId id) {
  if (usable_ && known_.size() < kMostEntries) known_.emplace(key_, id);
}

bool Signatures::describe(const Node& node) {
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
    const size_t at = key_.size();
    if (!describe(value, sharing_.place(ValueId{v}))) return false;
    key_[at] |= static_cast<uint64_t>(used_[v]) << 63U;
  }
  return true;
}

bool Signatures::describe(const Arg& arg, int depth) {
  if (key_.size() > kLongestKey) return false;  // of nodes with thousands of operands no two are compared
  const auto kind = static_cast<uint64_t>(arg.kind) << 56U;
  switch (arg.kind) {
    case Arg::Kind::kNone: key_.push_back(kind); return true;
    case Arg::Kind::kInt:
    case Arg::Kind::kBool: describe_number(kind, arg.integer); return true;
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
  const EdgeSource& source = sources_[arg.index];
  key_.push_back(kind | (use.spec.kind == SpecRef::Kind::kNone ? 0U : 1U) | (use.annotated ? 2U : 0U) |
                 (use.repeats ? 4U : 0U) | (source.value == use.value ? 0U : 8U) |
                 static_cast<uint64_t>(staticness_[source.value.index]) << 8U);
  return describe(graph_.value(source.value), source.place);
}

bool Signatures::describe(const Value& value, PlaceId place) {
  const uint32_t group = sharing_.group(place);
  auto known = std::find(groups_.begin(), groups_.end(), group);
  if (known == groups_.end()) known = groups_.insert(groups_.end(), group);
  key_.push_back(static_cast<uint64_t>(value.dtype) | static_cast<uint64_t>(static_cast<uint16_t>(value.rank)) << 8U |
                 static_cast<uint64_t>(known - groups_.begin()) << 24U |
                 static_cast<uint64_t>(sharing_.derived(place) != nullptr) << 60U |
                 static_cast<uint64_t>(sharing_.stated(place)) << 61U |
                 static_cast<uint64_t>(sharing_.borrows(place)) << 62U);
  key_.push_back(static_cast<uint64_t>(sharing_.spec_id(place).index) << 32U | value.constant.index);
  // Two sizes a word; the rank says how many there are.
  const auto shape = graph_.shape(value);
  for (size_t d = 0; d < shape.size(); ++d) {
    if (shape[d] != static_cast<int32_t>(shape[d])) return false;
    const auto size = static_cast<uint64_t>(static_cast<uint32_t>(shape[d]));
    if (d % 2 == 0)
      key_.push_back(size);
    else
      key_.back() |= size << 32U;
  }
  return true;
}

/// Small ones, which nearly all are, share a word with their kind.
void Signatures::describe_number(uint64_t kind, int64_t number) {
  if (number == static_cast<int32_t>(number)) return key_.push_back(kind | static_cast<uint32_t>(number));
  key_.push_back(kind | uint64_t{1} << 32U);
  key_.push_back(static_cast<uint64_t>(number));
}

/// Two chains of multiplications that do not wait for each other.
size_t Signatures::Hash::operator()(const std::vector<uint64_t>& key) const {
  uint64_t a = 0x9E3779B97F4A7C15U ^ key.size(), b = 0xC2B2AE3D27D4EB4FU;
  size_t i = 0;
  for (; i + 1 < key.size(); i += 2) {
    a = std::rotl(a ^ key[i], 25) * 0xFF51AFD7ED558CCDU;
    b = std::rotl(b ^ key[i + 1], 29) * 0xC4CEB9FE1A85EC53U;
  }
  if (i < key.size()) a = std::rotl(a ^ key[i], 25) * 0xFF51AFD7ED558CCDU;
  a ^= std::rotl(b, 32);
  return a ^ a >> 32U;
}

}  // namespace snapgauge
