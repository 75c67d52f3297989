#include "formats/sgraph/edit.h"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "graph/sharing.h"

namespace snapgauge {
namespace {

std::string quoted(std::string_view text) { return nlohmann::json(text).dump(); }

/// Numbers of a spec, as a list where there are several or the file has one.
template <class T>
std::string numbers_text(const std::vector<T>& numbers, bool as_list) {
  if (numbers.size() == 1 && !as_list) return fmt::format("{}", numbers[0]);
  return fmt::format("[{}]", fmt::join(numbers, ", "));
}

class SpecWriter {
 public:
  SpecWriter(const JsonDocument& document, std::string_view text, const Graph& graph, const AnnotationSites& sites)
      : text_(text), graph_(graph), sites_(sites), sharing_(graph), table_(document.root()["specs"]) {
    for (uint32_t u = 0; u < graph.uses.size(); ++u)
      if (graph.uses[u].value.valid()) uses_of_[graph.uses[u].value.index].push_back(u);
  }

  SpecEdits run(std::span<const SpecChange* const> changes) {
    taken_.clear();
    moved_.clear();
    SpecEdits out;
    for (const SpecChange* change : changes) out.made.push_back(make(*change));
    settle_table();
    out.edits = std::exchange(edits_, {});
    return out;
  }

 private:
  /// A reference in the file that has to change.
  struct Site {
    PlaceId place;
    JsonValue at;
  };

  bool is_value(PlaceId place) const { return place.index < graph_.values.size(); }
  UseId use_at(PlaceId place) const { return UseId{place.index - static_cast<uint32_t>(graph_.values.size())}; }

  ValueId tensor_at(PlaceId place) const {
    return is_value(place) ? ValueId{place.index} : graph_.uses[use_at(place).index].value;
  }

  JsonValue site_at(PlaceId place) const {
    const auto& map = is_value(place) ? sites_.outputs : sites_.edges;
    const auto find = [&](uint32_t index) {
      const auto it = map.find(index);
      return it == map.end() ? JsonValue() : it->second;
    };
    if (!is_value(place)) return find(use_at(place).index);
    const JsonValue own = find(place.index);
    const ValueId picked = graph_.selected_as(ValueId{place.index});
    return (own.missing() || own.is_null()) && picked.valid() ? find(picked.index) : own;
  }

  /// The place that the change begins with: where parameters are only referred to, it is where they stand,
  /// unless the reference itself is what changes.
  PlaceId start_of(const SpecChange& change) const {
    const PlaceId place{change.place};
    return change.like && sharing_.stated(place) ? place : sharing_.root(place);
  }

  /// The starting place, then the others of the tensor that have its parameters by being equal, and would no
  /// longer be.
  std::vector<Site> sites_of(const SpecChange& change) const {
    std::vector<Site> found;
    const PlaceId start = start_of(change);
    if (!start.valid() || !tensor_at(start).valid()) return found;
    const auto add = [&](PlaceId place) {
      const JsonValue at = site_at(place);
      const bool known = std::any_of(found.begin(), found.end(),
                                     [&](const Site& s) { return s.at.range().first == at.range().first; });
      if (!at.missing() && !known) found.push_back({place, at});
    };
    add(start);
    const auto follows = [&](PlaceId place) {
      if (!sharing_.stated(place) || sharing_.root(place) != place || sharing_.group(place) != sharing_.group(start))
        return false;
      return sharing_.spec_id(place) == sharing_.spec_id(start) || !same_attributes(*sharing_.spec(place), change.spec);
    };
    for (ValueId v = tensor_at(start); v.valid(); v = graph_.selected_as(v)) {
      if (follows(sharing_.place(v))) add(sharing_.place(v));
      if (const auto uses = uses_of_.find(v.index); uses != uses_of_.end())
        for (const uint32_t u : uses->second)
          if (follows(sharing_.place(UseId{u}))) add(sharing_.place(UseId{u}));
    }
    return found;
  }

  bool make(const SpecChange& change) {
    const std::vector<Site> sites = sites_of(change);
    const bool taken =
        std::any_of(sites.begin(), sites.end(), [&](const Site& s) { return taken_.contains(s.at.range().first); });
    if (sites.empty() || taken) return false;
    if (change.like) {
      refer(sites, PlaceId{*change.like});
    } else {
      const Spec* old = sharing_.spec(sites.front().place);
      if (old == nullptr) return false;
      for (const Site& site : sites) rewrite(site.at, *old, change.spec);
    }
    for (const Site& site : sites) taken_.insert(site.at.range().first);
    return true;
  }

  /// The tensor's own place, if it is among them, shares with `other`; the edges share with that.
  void refer(const std::vector<Site>& sites, PlaceId other) {
    const auto own = std::find_if(sites.begin(), sites.end(), [&](const Site& s) { return is_value(s.place); });
    for (const Site& site : sites) {
      const bool follows = own != sites.end() && site.place != own->place;
      replace(site.at, "{\"shared\":" + place_text(follows ? own->place : other) + "}");
    }
  }

  std::string place_text(PlaceId place) const {
    if (is_value(place)) return quoted(graph_.text(graph_.values[place.index].name));
    const Use& use = graph_.uses[use_at(place).index];
    return fmt::format("[{},{}]", quoted(graph_.text(graph_.value(use.value).name)), quoted(graph_.name(use.node)));
  }

  void replace(const JsonValue& at, std::string text) { edits_.push_back({at.range(), std::move(text)}); }

  void rewrite(const JsonValue& site, const Spec& old, const Spec& fresh) {
    if (const auto index = site.integer()) {
      const auto i = static_cast<size_t>(*index);
      moved_[{i, changed(sites_.specs[i], old, fresh)}].push_back(site);
      return;
    }
    const JsonValue derived = site["derived"];
    const JsonValue& spec = derived.missing() ? site : derived;
    assert(spec.is_object());  // what states a spec of its own is an index, a spec, or a derived one
    replace(spec, changed(spec, old, fresh));
  }

  /// The text of `spec` with what `old` and `fresh` differ in.
  std::string changed(const JsonValue& spec, const Spec& old, const Spec& fresh) const {
    MemberEdits edits;
    if (fresh.fixed && !old.fixed) edits.emplace_back("kind", quoted("fixed"));
    if (fresh.scheme != old.scheme) edits.emplace_back("qscheme", quoted(scheme_name(fresh.scheme)));
    if (fresh.axis != old.axis) edits.emplace_back("ch_axis", fresh.axis ? std::to_string(*fresh.axis) : "null");
    const JsonValue observer = spec["observer"], bound = observer["kwargs"];
    const bool is_bound = !bound["scale"].missing() || !bound["zero_point"].missing();
    MemberEdits numbers;
    const JsonValue& holder = is_bound ? bound : spec;
    if (fresh.scales != old.scales)
      numbers.emplace_back("scale", numbers_text(fresh.scales, holder["scale"].is_array()));
    if (fresh.zero_points != old.zero_points && (old.scales.empty() || !all_zero(fresh) || !all_zero(old)))
      numbers.emplace_back("zero_point", numbers_text(fresh.zero_points, holder["zero_point"].is_array()));
    if (!is_bound)
      edits.insert(edits.end(), numbers.begin(), numbers.end());
    else if (!numbers.empty())
      edits.emplace_back("observer", with_members(text_, observer, {{"kwargs", with_members(text_, bound, numbers)}}));
    if (fresh.observer != old.observer && !observer.missing() && !is_bound)
      edits.emplace_back("observer", std::nullopt);
    return with_members(text_, spec, edits);
  }

  static bool all_zero(const Spec& spec) {
    return std::all_of(spec.zero_points.begin(), spec.zero_points.end(), [](int64_t z) { return z == 0; });
  }

  /// Table entries that only changed places refer to change where they are, others get a successor.
  void settle_table() {
    std::vector<std::string> added;
    std::map<std::string_view, size_t> places;  // of what was added
    for (auto& [entry, references] : moved_) {
      const auto& [index, spec] = entry;
      if (references.size() == sites_.references[index]) {
        replace(sites_.specs[index], spec);
        continue;
      }
      const auto [known, fresh] = places.try_emplace(spec, sites_.specs.size() + added.size());
      if (fresh) added.push_back(spec);
      for (const JsonValue& at : references) replace(at, std::to_string(known->second));
    }
    if (!added.empty()) edits_.push_back(append_elements(text_, table_, added));
  }

  std::string_view text_;
  const Graph& graph_;
  const AnnotationSites& sites_;
  Sharing sharing_;
  JsonValue table_;
  std::unordered_map<uint32_t, std::vector<uint32_t>> uses_of_;
  std::set<size_t> taken_;  // where references stand that change already
  std::map<std::pair<size_t, std::string>, std::vector<JsonValue>> moved_;  // by table entry and its new text
  std::vector<TextEdit> edits_;
};

}  // namespace

SpecEdits edit_specs(const JsonDocument& document, std::string_view text, const Graph& graph,
                     const AnnotationSites& sites, std::span<const SpecChange* const> changes) {
  return SpecWriter(document, text, graph, sites).run(changes);
}

std::vector<std::vector<TextEdit>> edit_specs_apart(const JsonDocument& document, std::string_view text,
                                                    const Graph& graph, const AnnotationSites& sites,
                                                    std::span<const SpecChange* const> changes) {
  SpecWriter writer(document, text, graph, sites);
  std::vector<std::vector<TextEdit>> out;
  for (size_t i = 0; i < changes.size(); ++i) out.push_back(writer.run(changes.subspan(i, 1)).edits);
  return out;
}

}  // namespace snapgauge
