#include "backend/signatures.h"

#include <algorithm>
#include <bit>

namespace snapgauge {
namespace {

constexpr uint32_t kMostPorts = 128;  // of nodes with thousands of operands no two are compared
constexpr size_t kMostEntries = 65536;

}  // namespace

OpClassId Signatures::find(NodeId node) {
  key_.clear();
  groups_.clear();
  usable_ = describe(graph_.node(node));
  if (!usable_) return {};
  const auto it = known_.find(key_);
  return it == known_.end() ? OpClassId{} : it->second;
}

void Signatures::add(OpClassId id) {
  if (usable_ && known_.size() < kMostEntries) known_.emplace(key_, id);
}

bool Signatures::describe(const Node& node) {
  if (node.uses.count + node.outputs.count > kMostPorts) return false;
  key_.push_back(uint64_t{node.op.index} << 32U | node.arguments.index);
  for (uint32_t u = node.uses.first; u < node.uses.end(); ++u) {
    const Use& use = graph_.uses[u];
    if (!use.value.valid()) return false;
    const EdgeSource& source = sources_[u];
    key_.push_back((use.spec.kind == SpecRef::Kind::kNone ? 0U : 1U) | (use.annotated ? 2U : 0U) |
                   (use.repeats ? 4U : 0U) | (source.value == use.value ? 0U : 8U) |
                   static_cast<uint64_t>(staticness_[source.value.index]) << 4U);
    describe(source.value, source.place);
  }
  for (uint32_t v = node.outputs.first; v < node.outputs.end(); ++v) {
    // Results that a getitem picks may have their spec there.
    if (graph_.values[v].selected) return false;
    key_.push_back(used_[v]);
    describe(ValueId{v}, sharing_.place(ValueId{v}));
  }
  return true;
}

/// Adds to the word begun for the port, and a second one; a third where the file holds data.
void Signatures::describe(ValueId id, PlaceId place) {
  const Value& value = graph_.value(id);
  const uint32_t group = sharing_.group(place);
  auto known = std::find(groups_.begin(), groups_.end(), group);
  if (known == groups_.end()) known = groups_.insert(groups_.end(), group);
  key_.back() |=
      static_cast<uint64_t>(value.dtype) << 8U | static_cast<uint64_t>(static_cast<uint16_t>(value.rank)) << 16U |
      static_cast<uint64_t>(known - groups_.begin()) << 32U | static_cast<uint64_t>(value.constant.valid()) << 59U |
      static_cast<uint64_t>(sharing_.derived(place) != nullptr) << 60U |
      static_cast<uint64_t>(sharing_.stated(place)) << 61U | static_cast<uint64_t>(sharing_.borrows(place)) << 62U;
  key_.push_back(static_cast<uint64_t>(sharing_.spec_id(place).index) << 32U | value.dims);
  if (value.constant.valid()) key_.push_back(value.constant.index);
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
