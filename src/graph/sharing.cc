#include "graph/sharing.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <unordered_map>
#include <unordered_set>

#include "base/text.h"

namespace snapgauge {
namespace {

constexpr uint32_t kNone = PlaceId::kNone;
constexpr uint32_t kUnvisited = kNone - 1;
constexpr uint32_t kVisiting = kNone - 2;
constexpr uint32_t kFewUses = 16;

/// Specs with the same attributes, each looked at once and only when it is asked for.
class AttributeClasses {
 public:
  explicit AttributeClasses(const Graph& graph) : graph_(graph) {}

  /// The first spec asked for that has the attributes of this one.
  uint32_t of(uint32_t spec) {
    const auto [known, fresh] = class_.emplace(spec, spec);
    if (!fresh) return known->second;
    std::vector<uint32_t>& alike = by_hash_[hash_of(graph_.specs[spec], graph_.specs[spec].observer.empty())];
    const auto same = std::find_if(alike.begin(), alike.end(), [&](uint32_t other) {
      return same_attributes(graph_.specs[spec], graph_.specs[other]);
    });
    if (same != alike.end()) return known->second = *same;
    alike.push_back(spec);
    return spec;
  }

 private:
  const Graph& graph_;
  std::unordered_map<uint32_t, uint32_t> class_;
  std::unordered_map<size_t, std::vector<uint32_t>> by_hash_;
};

bool shares(const SpecRef& ref) {
  return ref.kind == SpecRef::Kind::kSharedNode || ref.kind == SpecRef::Kind::kSharedEdge;
}

}  // namespace

bool same_attributes(const Spec& a, const Spec& b) {
  if (a.storage != b.storage || a.dynamic != b.dynamic || a.qmin != b.qmin || a.qmax != b.qmax ||
      a.scheme != b.scheme || a.axis != b.axis)
    return false;
  const bool a_states = a.observer.empty() && !a.scales.empty();
  const bool b_states = b.observer.empty() && !b.scales.empty();
  return a_states == b_states && (!a_states || (a.scales == b.scales && a.zero_points == b.zero_points));
}

Sharing::Sharing(const Graph& graph, bool results_take_readers)
    : graph_(graph), values_(static_cast<uint32_t>(graph.values.size())) {
  const size_t places = graph.values.size() + graph.uses.size();
  root_.assign(places, kUnvisited);
  parent_.resize(places);
  std::iota(parent_.begin(), parent_.end(), 0U);
  index_edges();
  resolve_roots();
  share_implicitly();
  if (results_take_readers) take_from_readers();
  inherit();
  parent_ = {};
}

const SpecRef& Sharing::ref(PlaceId p) const {
  if (p.index >= values_) return graph_.uses[p.index - values_].spec;
  const Value& value = graph_.values[p.index];
  // A picked result (getitem) carries the annotation of that result.
  if (value.spec.kind == SpecRef::Kind::kNone && value.selected)
    return graph_.value(graph_.selected_as(ValueId{p.index})).spec;
  return value.spec;
}

/// References name edges by their ends; a node with thousands of inputs is not searched for each.
void Sharing::index_edges() {
  std::unordered_set<uint32_t> indexed;
  for (const auto& [value, consumer] : graph_.edges) {
    if (!value.valid() || !consumer.valid() || graph_.node(consumer).uses.count <= kFewUses ||
        !indexed.insert(consumer.index).second)
      continue;
    const Range uses = graph_.node(consumer).uses;
    for (uint32_t u = uses.first; u < uses.end(); ++u)
      edges_.emplace(uint64_t{consumer.index} << 32U | graph_.uses[u].value.index, u);
  }
}

UseId Sharing::edge(const EdgeRef& ref) const {
  const Range uses = graph_.node(ref.consumer).uses;
  if (uses.count > kFewUses) {
    const auto known = edges_.find(uint64_t{ref.consumer.index} << 32U | ref.value.index);
    return known == edges_.end() ? UseId{} : UseId{known->second};
  }
  for (uint32_t u = uses.first; u < uses.end(); ++u)
    if (graph_.uses[u].value == ref.value) return UseId{u};
  return {};
}

PlaceId Sharing::place_of(const SpecRef& ref) const {
  if (ref.kind != SpecRef::Kind::kSharedEdge) return place(ValueId{ref.index});
  const EdgeRef& named = graph_.edges[ref.index];
  const UseId use = edge(named);
  return use.valid() ? place(use) : place(named.value);
}

PlaceId Sharing::next(PlaceId p) const {
  const SpecRef& r = ref(p);
  if (r.kind == SpecRef::Kind::kSharedNode) return PlaceId{r.index};
  if (r.kind == SpecRef::Kind::kSharedEdge)
    if (const UseId use = edge(graph_.edges[r.index]); use.valid())
      return graph_.uses[use.index].spec.kind != SpecRef::Kind::kNone ? place(use) : place(graph_.edges[r.index].value);
  return {};
}

void Sharing::resolve_roots() {
  std::vector<uint32_t> path;
  for (uint32_t start = 0; start < root_.size(); ++start) {
    if (root_[start] != kUnvisited) continue;
    const SpecRef& own = ref(PlaceId{start});
    // Nearly every place states its spec or has none.
    if (own.kind == SpecRef::Kind::kConcrete || own.kind == SpecRef::Kind::kDerived) {
      root_[start] = start;
      continue;
    }
    if (own.kind == SpecRef::Kind::kNone) {
      root_[start] = kNone;
      continue;
    }
    path.clear();
    uint32_t at = start;
    uint32_t result = kNone;
    while (true) {
      if (root_[at] == kVisiting) {
        problems_.push_back({Problem::Kind::kCycle, PlaceId{start}, {}});
        break;
      }
      if (root_[at] != kUnvisited) {
        result = root_[at];
        break;
      }
      const SpecRef& r = ref(PlaceId{at});
      if (r.kind == SpecRef::Kind::kConcrete || r.kind == SpecRef::Kind::kDerived) {
        result = root_[at] = at;
        break;
      }
      root_[at] = kVisiting;
      path.push_back(at);
      if (shares(r)) shared_.push_back(at);
      const PlaceId to = next(PlaceId{at});
      if (!to.valid()) {
        if (r.kind == SpecRef::Kind::kSharedEdge) {
          const auto& [value, consumer] = graph_.edges[r.index];
          problems_.push_back(
              {Problem::Kind::kDangling, PlaceId{at},
               fmt::format("an edge from '{}' to '{}', which does not exist,",
                           printable(graph_.text(graph_.value(value).name)), printable(graph_.name(consumer)))});
        }
        if (r.kind == SpecRef::Kind::kDangling)
          problems_.push_back(
              {Problem::Kind::kDangling, PlaceId{at}, fmt::format("'{}'", printable(graph_.text(Symbol{r.index})))});
        break;
      }
      at = to.index;
    }
    for (uint32_t p : path) {
      root_[p] = result;
      if (result != kNone || !shares(ref(PlaceId{p}))) continue;
      // A reference that leads to a place without any spec. Members of a circle are reported once.
      const PlaceId to = next(PlaceId{p});
      if (to.valid() && !shares(ref(to)) && ref(to).kind == SpecRef::Kind::kNone)
        problems_.push_back({Problem::Kind::kDangling, PlaceId{p}, describe(to)});
    }
  }
}

bool Sharing::implicit_allowed(PlaceId p) const {
  return p.index < values_ || graph_.node(graph_.uses[p.index - values_].node).allow_implicit_sharing;
}

void Sharing::share_implicitly() {
  // Edges that leave one producer share where their specs have the same attributes, with each other and with
  // the producer's output. By producer value the first place; further ones, which have other attributes, by
  // value and attributes.
  std::vector<uint32_t> first(values_, kNone);
  std::unordered_map<uint64_t, uint32_t> more;
  AttributeClasses classes(graph_);
  const auto root_spec = [&](uint32_t p) {
    if (root_[p] == kNone) return kNone;
    const SpecRef& r = ref(PlaceId{root_[p]});
    return r.kind == SpecRef::Kind::kConcrete ? r.index : kNone;
  };
  for (uint32_t v = 0; v < values_; ++v)
    if (graph_.values[v].spec.kind != SpecRef::Kind::kNone && root_spec(v) != kNone) first[v] = v;
  for (uint32_t u = 0; u < graph_.uses.size(); ++u) {
    const Use& use = graph_.uses[u];
    const uint32_t p = values_ + u;
    if (!use.value.valid() || use.spec.kind == SpecRef::Kind::kNone || !implicit_allowed(PlaceId{p})) continue;
    const uint32_t mine = root_spec(p);
    if (mine == kNone) continue;
    const uint32_t v = use.value.index;
    if (first[v] == kNone) {
      first[v] = p;
      continue;
    }
    const uint32_t theirs = root_spec(first[v]);
    if (mine == theirs || classes.of(mine) == classes.of(theirs)) {
      unite(first[v], p);
    } else {
      const auto [other, fresh] = more.emplace(uint64_t{v} << 32U | classes.of(mine), p);
      if (!fresh) unite(other->second, p);
    }
  }
  for (uint32_t p : shared_)
    if (root_[p] != kNone)
      if (const PlaceId to = next(PlaceId{p}); to.valid()) unite(to.index, p);
}

void Sharing::take_from_readers() {
  for (uint32_t u = 0; u < graph_.uses.size(); ++u) {
    const uint32_t edge = values_ + u;
    const ValueId value = graph_.uses[u].value;
    if (root_[edge] == kNone || !value.valid() || root_[value.index] != kNone) continue;
    const Value& v = graph_.value(value);
    if (graph_.node(v.producer).kind != NodeKind::kCall || !is_float(v.dtype)) continue;
    root_[value.index] = root_[edge];
    unite(value.index, edge);
  }
}

void Sharing::inherit() {
  group_.assign(root_.size(), kNone);
  for (uint32_t p = 0; p < values_; ++p)
    if (root_[p] != kNone) group_[p] = find(p);
  for (uint32_t u = 0; u < graph_.uses.size(); ++u) {
    const uint32_t p = values_ + u;
    const Use& use = graph_.uses[u];
    // An edge that reads a tensor beside its QuantizeLinear is stated to be float.
    const bool stated_float = use.annotated && row_of(graph_.frontend).has_qdq_pairs;
    if (root_[p] == kNone && use.spec.kind == SpecRef::Kind::kNone && use.value.valid() && !stated_float) {
      root_[p] = root_[use.value.index];
      group_[p] = group_[use.value.index];
    } else if (root_[p] != kNone) {
      group_[p] = find(p);
    }
  }
}

uint32_t Sharing::find(uint32_t p) {
  while (parent_[p] != p) {
    parent_[p] = parent_[parent_[p]];
    p = parent_[p];
  }
  return p;
}

void Sharing::unite(uint32_t a, uint32_t b) {
  a = find(a);
  b = find(b);
  if (a != b) parent_[std::max(a, b)] = std::min(a, b);
}

SpecId Sharing::spec_id(PlaceId p) const {
  const uint32_t root = root_[p.index];
  if (root == kNone) return {};
  const SpecRef& r = ref(PlaceId{root});
  return r.kind == SpecRef::Kind::kDerived ? graph_.derived[r.index].spec : SpecId{r.index};
}

const Spec* Sharing::spec(PlaceId p) const {
  const SpecId id = spec_id(p);
  return id.valid() ? &graph_.specs[id.index] : nullptr;
}

bool Sharing::stated(PlaceId p) const { return ref(p).kind != SpecRef::Kind::kNone; }

ValueId Sharing::tensor(PlaceId p) const {
  return p.index < values_ ? ValueId{p.index} : graph_.uses[p.index - values_].value;
}

bool Sharing::borrows(PlaceId p) const {
  const PlaceId at = root(p);
  if (at == p || !at.valid()) return false;
  const ValueId own = tensor(p);
  if (!own.valid() || tensor(at) == own) return false;
  return p.index < values_ || group(p) != group(place(own));
}

const DerivedSpec* Sharing::derived(PlaceId p) const {
  const SpecRef& r = ref(p);
  return r.kind == SpecRef::Kind::kDerived ? &graph_.derived[r.index] : nullptr;
}

std::string Sharing::describe(PlaceId p) const {
  if (p.index < values_) {
    const Value& v = graph_.values[p.index];
    return fmt::format("the output of '{}'", printable(graph_.text(v.name)));
  }
  const Use& use = graph_.uses[p.index - values_];
  const std::string_view from = use.value.valid() ? graph_.text(graph_.value(use.value).name) : std::string_view("?");
  return fmt::format("the edge '{}' -> '{}'", printable(from), printable(graph_.name(use.node)));
}

}  // namespace snapgauge
