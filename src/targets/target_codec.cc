// The catalog as it is stored with the op-info database.
#include <tuple>

#include "base/codec.h"
#include "opinfo/predicate_fields.h"
#include "targets/target.h"

namespace snapgauge {

namespace {

constexpr std::string_view kKey = "targets";
using Parts = std::tuple<std::vector<Soc>, std::vector<Backend>, std::vector<Pipeline>>;

}  // namespace

static auto fields(Soc& s) {
  auto& [name, id, arch, vtcm_mb, lpai, marketing] = s;
  return std::tie(name, id, arch, vtcm_mb, lpai, marketing);
}

static auto fields(Backend& b) {
  auto& [name, title, has_arch, needs_lpai, fixed_point_only, float_first, min_sdk, full_delegation, reads_as] = b;
  return std::tie(name, title, has_arch, needs_lpai, fixed_point_only, float_first, min_sdk, full_delegation, reads_as);
}

static auto fields(PortCast& c) {
  auto& [ops, backends, port, from, to, symmetric, per_axis, when] = c;
  return std::tie(ops, backends, port, from, to, symmetric, per_axis, when);
}

static auto fields(Repair& r) {
  auto& [rules, ops, backends, port, only_static, change, cost] = r;
  return std::tie(rules, ops, backends, port, only_static, change, cost);
}

static auto fields(Pipeline& p) {
  auto& [name, frontends, casts, constant_casts, port_casts, repairs, drops_empty, results_take_readers, free_sizes,
         border_inside, assumed_casts, note, partial_units_in_float] = p;
  return std::tie(name, frontends, casts, constant_casts, port_casts, repairs, drops_empty, results_take_readers,
                  free_sizes, border_inside, assumed_casts, note, partial_units_in_float);
}

Result<TargetCatalog> TargetCatalog::load(const Database& database) {
  const auto bytes = database.compiled(kKey, kLatestSdk);
  if (!bytes) return read(database);
  auto parts = decoded<Parts>(*bytes);
  if (!parts) return database.damaged(kKey);
  TargetCatalog catalog;
  std::tie(catalog.socs_, catalog.backends_, catalog.pipelines_) = std::move(*parts);
  return catalog;
}

Status TargetCatalog::compile(CompiledWriter& out) const {
  return out.add(std::string(kKey), {}, encoded(Parts(socs_, backends_, pipelines_)));
}

}  // namespace snapgauge
