// Resolution of shared specs: which places use the same observer, and what it is.
//
// A place is a value (the output side) or a use (an input edge). A shared spec names a node's output
// or an edge; an edge means the consumer's own entry first, then the producer's output. An edge
// without an entry takes its producer's parameters. Equal specs on the two sides of an edge, and on
// the edges that leave one producer, share implicitly, as torch.ao's prepare step does (the observer
// class is not compared). Linear in places; chains and cycles of any length are followed without
// recursion.
#pragma once

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "graph/graph.h"

namespace snapgauge {

struct PlaceTag;
using PlaceId = Id<PlaceTag>;

/// The attributes that decide implicit sharing. Parameters count only where the spec itself states
/// them: those bound to an observer's constructor are not attributes of the spec.
bool same_attributes(const Spec& a, const Spec& b);

class Sharing {
 public:
  /// `results_take_readers`: a computed float tensor without a spec takes the parameters of the first edge
  /// that reads it with some, as pipelines do that copy a Quantize onto the node in front of it.
  explicit Sharing(const Graph& graph, bool results_take_readers = false);

  PlaceId place(ValueId v) const { return PlaceId{v.index}; }
  PlaceId place(UseId u) const { return PlaceId{values_ + u.index}; }
  /// The place that a reference names; not that of a dangling one.
  PlaceId place_of(const SpecRef& ref) const;
  const Graph& graph() const { return graph_; }

  /// The spec that holds at the place: stated, shared, or inherited from the producer. Null: float.
  const Spec* spec(PlaceId p) const;
  SpecId spec_id(PlaceId p) const;
  /// Places with the same group use the same parameters; kNone for places without a spec.
  uint32_t group(PlaceId p) const { return group_[p.index]; }
  /// The place that states the spec; invalid where there is none.
  PlaceId root(PlaceId p) const { return PlaceId{root_[p.index]}; }
  /// The place itself carries an annotation (rather than inheriting one).
  bool stated(PlaceId p) const;
  /// The place has the parameters of another tensor: a result by referring to them, an edge although its
  /// own tensor has others or none.
  bool borrows(PlaceId p) const;
  /// The annotation is derived from other places.
  const DerivedSpec* derived(PlaceId p) const;

  struct Problem {
    enum class Kind : uint8_t { kDangling, kCycle } kind;
    PlaceId place;
    std::string target;  // what a dangling reference names
  };
  /// One entry per dangling reference and one per circle, in place order.
  const std::vector<Problem>& problems() const { return problems_; }

  /// "output of conv1" or "edge x -> conv1".
  std::string describe(PlaceId p) const;

 private:
  const SpecRef& ref(PlaceId p) const;
  ValueId tensor(PlaceId p) const;
  PlaceId next(PlaceId p) const;         // where a shared ref leads; invalid at roots and dead ends
  UseId edge(const EdgeRef& ref) const;  // the first such
  void index_edges();
  bool implicit_allowed(PlaceId p) const;
  void resolve_roots();
  void share_implicitly();
  void take_from_readers();
  void inherit();
  uint32_t find(uint32_t place);
  void unite(uint32_t a, uint32_t b);

  const Graph& graph_;
  uint32_t values_ = 0;
  std::vector<uint32_t> root_;    // place that states the spec, by place; kNone when there is none
  std::vector<uint32_t> shared_;  // places that refer to another one
  std::vector<uint32_t> parent_;  // union-find, while it is built
  std::vector<uint32_t> group_;
  std::vector<Problem> problems_;
  std::unordered_map<uint64_t, uint32_t> edges_;  // uses by node and value, of nodes with many that are referred to
};

}  // namespace snapgauge
