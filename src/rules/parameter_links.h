// Within rules: findings about specs, collected with the places that they break, and what specs owe each other.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "diag/rule.h"
#include "rules/parameters.h"

namespace snapgauge {

class PlacedFindings {
 public:
  explicit PlacedFindings(const Graph& graph) : graph_(graph) {}

  Finding& add(PlaceId place, NodeId node, RuleCode code, std::initializer_list<HoleValue> holes, std::string expected,
               std::string actual);
  /// Broken, and reported elsewhere.
  void mark(PlaceId place) { found_.push_back({place, NodeId{}, {}, true}); }
  size_t size() const { return found_.size(); }
  PlacedFinding& at(size_t i) { return found_[i]; }
  std::vector<PlacedFinding> take() { return std::move(found_); }

 private:
  const Graph& graph_;
  std::vector<PlacedFinding> found_;
};

/// Of a derived spec at `place`: its sources are quantized.
void check_sources(const Sharing& sharing, PlaceId place, const DerivedSpec& derived, NodeId node,
                   PlacedFindings& found);
/// References that lead nowhere or in a circle, constants that are biases of different nodes, tensors that are
/// read with other parameters than they were written with.
void check_links(const Graph& graph, const Sharing& sharing, PlacedFindings& found);

}  // namespace snapgauge
