#include "rules/shapes.h"

#include <fmt/format.h>

#include <array>
#include <cmath>

#include "base/number.h"
#include "base/text.h"
#include "rules/shapes_internal.h"

namespace snapgauge {
namespace shapes {

void unknown(Outcome& out, std::string missing) {
  out.truth = Truth::kUnknown;
  out.missing = std::move(missing);
}

namespace {

std::string encoding_text(const Port& port) {
  return port.spec == nullptr ? "not quantized" : std::string(encoding_name(port.encoding));
}

// Quantization rows speak of quantized tensors; whether a tensor must be one is the datatype table's.
bool unquantized(const ShapeInput& in) { return in.port == nullptr || in.port->spec == nullptr; }

void symmetric(const ShapeInput& in, Outcome& out) {
  if (unquantized(in)) return;
  auto holds = symmetric_parameters(*in.port->spec);
  if (in.port->cast != nullptr) holds = in.port->cast->symmetric;
  if (!holds) return unknown(out, "the scheme and the zero points are not stated");
  expect(out, truth(*holds), [&] {
    out.expected = "symmetric quantization";
    out.actual = spec_text(*in.port->spec);
    out.fix = make_symmetric(*in.context.view.graph, in.port->place, *in.port->spec, in.port->value);
  });
}

void asymmetric(const ShapeInput& in, Outcome& out) {
  if (unquantized(in)) return;
  expect(out, truth(!is_symmetric(in.port->spec->scheme)), [&] {
    out.expected = "affine quantization";
    out.actual = spec_text(*in.port->spec);
  });
}

void signed_type(const ShapeInput& in, Outcome& out) {
  if (unquantized(in)) return;
  expect(out, truth(is_signed(in.port->dtype)), [&] {
    out.expected = "a signed type";
    out.actual = spec_text(*in.port->spec);
  });
}

void bitwidth(const ShapeInput& in, Outcome& out) {
  if (unquantized(in)) return;
  const int bits = effective_bits(*in.port->spec);
  expect(out, test_number(in.predicate.test, bits, in.context, &in.self, &out.missing), [&] {
    out.expected = "an effective width " + in.predicate.test.text();
    out.actual = fmt::format("{} bits", bits);
  });
}

void encoding(const ShapeInput& in, Outcome& out) {
  if (unquantized(in)) return;
  const bool listed = (in.predicate.encodings & encoding_bit(in.port->encoding)) != 0;
  const bool allowed = in.predicate.kind == PredicateKind::kEncodingAllowed;
  expect(out, truth(listed == allowed), [&] {
    out.expected = (allowed ? "one of " : "none of ") + encoding_set_text(in.predicate.encodings);
    out.actual = encoding_text(*in.port);
  });
}

/// `axis` is the backend's; the file may have its dimensions in another order.
Proposal fix_axis(const ShapeInput& in, int axis) {
  if (axis < 0 || axis >= in.port->rank) return {};
  const int own = in.port->from == nullptr ? axis : in.port->from[axis];
  return move_axis(*in.context.view.graph, in.port->place, *in.port->spec, in.port->value, own);
}

void encoding_axis(const ShapeInput& in, Outcome& out) {
  if (unquantized(in) || !is_per_channel(in.port->spec->scheme)) return;
  std::vector<int64_t> wanted = in.predicate.axes;
  for (const Test::Clause& clause : in.predicate.test.clauses)
    for (const Operand& o : clause.operand.list)
      if (const auto axis = whole_number(o.number)) wanted.push_back(*axis);
  if (wanted.empty() && in.predicate.text == "channel") wanted = {-1};
  if (wanted.empty() || in.port->rank < 0) return unknown(out, "the shape is not known");
  if (in.predicate.axes.empty() && in.predicate.test.empty() && in.context.master != nullptr)
    if (const auto channel = in.context.master->channel_axis(in.self.side, in.self.index)) wanted = {*channel};
  const auto axis = in.port->axis();
  bool holds = false;
  std::string names;
  for (int64_t w : wanted) {
    holds = holds || (axis && *axis == (w < 0 ? w + in.port->rank : w));
    names += (names.empty() ? "" : " or ") + std::to_string(w < 0 ? w + in.port->rank : w);
  }
  expect(out, truth(holds), [&] {
    out.expected = fmt::format("axis {} ({}) of {}", names, in.predicate.text, shape_text(*in.port));
    out.actual = axis ? fmt::format("axis {}", *axis) : "no axis of the tensor";
    if (wanted.size() == 1)
      out.fix = fix_axis(in, static_cast<int>(wanted[0] < 0 ? wanted[0] + in.port->rank : wanted[0]));
  });
}

void encoding_definition(const ShapeInput& in, Outcome& out) {
  if (in.port == nullptr || in.port->spec != nullptr || !is_float(in.port->dtype)) return;
  out.truth = Truth::kFalse;
  out.expected = "a quantized tensor with stated parameters";
  out.actual = "not quantized";
}

void equal_quantization(const ShapeInput& in, Outcome& out) {
  if (unquantized(in) || !in.predicate.with) return;
  const Port* other = in.context.view.port(in.predicate.with->side, in.predicate.with->first);
  if (other == nullptr || other->spec == nullptr) return;
  const uint32_t mine = in.sharing.group(in.port->place);
  if (mine == in.sharing.group(other->place)) return;
  constexpr double kTolerance = 1e-6;  // two roundings of one float32 scale
  const auto equal = equal_parameters(*in.port->spec, *other->spec, kTolerance);
  const bool same_type = in.port->dtype == other->dtype;
  expect(out, truth(equal.value_or(false) && same_type), [&] {
    out.expected = fmt::format("the parameters of {}: {}", port_text(*in.predicate.with), spec_text(*other->spec));
    out.actual = spec_text(*in.port->spec) + (equal ? "" : ", observed on its own");
    out.fix = share(in.context.view, *in.port, *other);
  });
}

void fixed_scale_offset(const ShapeInput& in, Outcome& out) {
  const Predicate& p = in.predicate;
  if (unquantized(in) || (p.dtypes != 0 && !contains(p.dtypes, in.port->dtype))) return;
  const Spec& spec = *in.port->spec;
  const int64_t zero_point = zero_point_of(spec, 0);
  // 1/65535 and 1/65536 differ by one step over the whole range: the same grid for the backend.
  constexpr double kTolerance = 2e-5;
  const bool holds =
      spec.scales.size() == 1 && std::abs(spec.scales[0] - p.scale) <= kTolerance * p.scale && zero_point == -p.offset;
  expect(out, truth(holds), [&] {
    out.expected = fmt::format("scale {}, zero point {}", number_text(p.scale), -p.offset);
    out.actual = spec.scales.empty() ? "observed freely" + (spec.observer.empty() ? "" : " (" + spec.observer + ")")
                                     : fmt::format("scale {}, zero point {}", number_text(spec.scales[0]), zero_point);
    out.fix = prescribe(*in.context.view.graph, *in.port, p.scale, -p.offset);
  });
}

void static_operand(const ShapeInput& in, Outcome& out) {
  if (in.port == nullptr) return;
  const Staticness s = in.port->staticness;
  expect(out, truth(s == Staticness::kStatic || (in.predicate.flag && s == Staticness::kChain)), [&] {
    out.expected = in.predicate.flag ? "a constant, or computed from constants only" : "a constant";
    out.actual = s == Staticness::kChain ? "computed from constants" : "computed at run time";
  });
}

void min_arch(const ShapeInput& in, Outcome& out) {
  const Soc& soc = in.context.target.soc;
  if (!in.context.target.backend.has_arch) return;
  expect(out, truth(soc.arch >= in.predicate.arch), [&] {
    out.expected = fmt::format("HTP V{} or newer", in.predicate.arch);
    out.actual = fmt::format("{} ({})", in.context.target.arch_text(), soc.name);
  });
}

void dtype_allowed(const ShapeInput& in, Outcome& out) {
  if (in.port == nullptr || in.port->dtypes == 0) return;
  const DTypeSet wanted = in.predicate.dtypes;
  const bool allowed = in.predicate.kind == PredicateKind::kDtypeAllowed;
  const bool holds = allowed ? (in.port->dtypes & wanted) != 0 : (in.port->dtypes & ~wanted) != 0;
  expect(out, truth(holds), [&] {
    out.expected = (allowed ? "" : "not ") + dtype_set_text(wanted);
    out.actual = std::string(dtype_name(in.port->dtype));
  });
}

void same_dtype(const ShapeInput& in, Outcome& out) {
  if (in.port == nullptr || !in.predicate.with) return;
  const Port* other = in.context.view.port(in.predicate.with->side, in.predicate.with->first);
  if (other == nullptr || other->dtypes == 0 || in.port->dtypes == 0) return;
  expect(out, truth((in.port->dtypes & other->dtypes) != 0), [&] {
    out.expected = fmt::format("{} as {}", dtype_name(other->dtype), port_text(*in.predicate.with));
    out.actual = std::string(dtype_name(in.port->dtype));
  });
}

void operation_dtypes(const ShapeInput& in, Outcome& out) {
  if (in.port == nullptr || in.port->dtypes == 0) return;
  const ParamValue operation = effective_param("operation", in.context);
  if (operation.name.empty()) return unknown(out, "parameter operation is not known");
  for (const auto& [name, set] : in.predicate.by_operation) {
    if (name != operation.name) continue;
    expect(out, truth((set & in.port->dtypes) != 0), [&, &name = name, set = set] {
      out.expected = set == 0 ? fmt::format("another operation than {}", name) : dtype_set_text(set) + " for " + name;
      out.actual = fmt::format("{} for {}", dtype_name(in.port->dtype), name);
    });
    return;
  }
}

using ShapeFunction = void (*)(const ShapeInput&, Outcome&);

struct ShapeRow {
  PredicateKind kind;
  ShapeFunction function;
};

constexpr ShapeRow kShapes[] = {
    {PredicateKind::kRank, rank},
    {PredicateKind::kDim, dim},
    {PredicateKind::kSqueezable, squeezable},
    {PredicateKind::kSameRank, same_rank},
    {PredicateKind::kSameShape, same_shape},
    {PredicateKind::kSameDtype, same_dtype},
    {PredicateKind::kSameDimsAcross, same_dims_across},
    {PredicateKind::kBatchDims, batch_dims},
    {PredicateKind::kBroadcast, broadcast},
    {PredicateKind::kDynamicDims, dynamic_dims},
    {PredicateKind::kNonempty, nonempty},
    {PredicateKind::kRelation, relation},
    {PredicateKind::kDtypeAllowed, dtype_allowed},
    {PredicateKind::kDtypeForbidden, dtype_allowed},
    {PredicateKind::kOperationDtypes, operation_dtypes},
    {PredicateKind::kSymmetric, symmetric},
    {PredicateKind::kAsymmetric, asymmetric},
    {PredicateKind::kSigned, signed_type},
    {PredicateKind::kBitwidth, bitwidth},
    {PredicateKind::kEncodingAllowed, encoding},
    {PredicateKind::kEncodingForbidden, encoding},
    {PredicateKind::kEncodingAxis, encoding_axis},
    {PredicateKind::kEncodingDefinition, encoding_definition},
    {PredicateKind::kEqualQuantization, equal_quantization},
    {PredicateKind::kFixedScaleOffset, fixed_scale_offset},
    {PredicateKind::kStatic, static_operand},
    {PredicateKind::kMinArch, min_arch},
    {PredicateKind::kRequires, requires_one},
    {PredicateKind::kForbidden, forbidden},
    {PredicateKind::kValue, value},
    {PredicateKind::kDefaultOnly, default_only},
    {PredicateKind::kUniqueValues, unique_values},
    {PredicateKind::kIndexRange, index_range},
    {PredicateKind::kPositionOfValue, position_of_value},
    {PredicateKind::kCountOfValue, position_of_value},
    {PredicateKind::kPadAxes, pad_axes},
    {PredicateKind::kResizeScale, resize_scale},
    {PredicateKind::kCount, count},
    {PredicateKind::kLastIndex, count},
    {PredicateKind::kUnsupported, unsupported},
    {PredicateKind::kMandatory, mandatory},
    {PredicateKind::kAppliesOnly, applies_only},
    {PredicateKind::kDataFormat, data_format},
    {PredicateKind::kSameDataFormat, data_format},
};

constexpr std::array<ShapeFunction, kPredicateKinds> by_kind() {
  std::array<ShapeFunction, kPredicateKinds> table{};
  for (const ShapeRow& row : kShapes) table[static_cast<size_t>(row.kind)] = row.function;
  return table;
}
constexpr auto kByKind = by_kind();

}  // namespace
}  // namespace shapes

void check_shape(const ShapeInput& input, Outcome& out) {
  out.truth = Truth::kTrue;
  const auto function = shapes::kByKind[static_cast<size_t>(input.predicate.kind)];
  if (function == nullptr) return;
  if (input.predicate.unreadable) return shapes::unknown(out, "the row has a form that this version cannot evaluate");
  function(input, out);
}

bool has_shape(PredicateKind kind) { return shapes::kByKind[static_cast<size_t>(kind)] != nullptr; }

}  // namespace snapgauge
