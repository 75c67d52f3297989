// What "as" makes of a value: axes counted the backend's way, lists of one shape, padding in the vendor's
// order and counted from sizes. Numbers come from users' files: any double may be among them.
#include "backend/param_transform.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>

#include "backend/opmap.h"
#include "base/number.h"

namespace snapgauge {

using Transform = ParamSource::Transform;

namespace {

int input_rank(const FrontendOperation& view) {
  const Port* in = view.port(PortRef::Side::kIn, 0);
  return in == nullptr ? -1 : in->rank;
}

/// [b0, b1, .., e0, e1, ..] -> [b0, e0, b1, e1, ..]
void interleave_halves(std::vector<double>& v) {
  std::vector<double> out;
  const size_t half = v.size() / 2;
  for (size_t i = 0; i < half; ++i) {
    out.push_back(v[i]);
    out.push_back(v[half + i]);
  }
  v = std::move(out);
}

/// torch pads the last dimension first: [l_last, r_last, l_prev, r_prev] -> all dimensions in order.
bool full_torch_pads(std::vector<double>& v, int rank) {
  if (rank < 0 || v.size() % 2 != 0 || v.size() / 2 > static_cast<size_t>(rank)) return false;
  std::vector<double> out(static_cast<size_t>(rank) * 2, 0);
  for (size_t i = 0; i < v.size() / 2; ++i) {
    const size_t dim = static_cast<size_t>(rank) - 1 - i;
    out[2 * dim] = v[2 * i];
    out[2 * dim + 1] = v[2 * i + 1];
  }
  v = std::move(out);
  return true;
}

/// Axes count in the frontend's layout; a first input with a layout of its own has them moved.
double backend_axis(const FrontendOperation& view, double axis, int rank) {
  const Port* in = view.port(PortRef::Side::kIn, 0);
  if (in == nullptr || in->from == nullptr) return axis;
  for (int i = 0; i < rank; ++i)
    if (in->from[i] == axis) return i;
  return axis;
}

/// Axes from the frontend's count to the backend's.
bool move_axes(const FrontendOperation& view, std::vector<double>& axes) {
  const int rank = input_rank(view);
  const int from = frontend_rank(view) >= 0 ? frontend_rank(view) : rank;
  for (double& a : axes) {
    if (!whole_number(a) || (rank < 0 && a < 0)) return false;
    if (a < 0) a += from;
    if (rank >= 0) a = backend_axis(view, a, rank);
  }
  return true;
}

/// The one axis of `v`, counted from the front; nothing when it is none of the input's.
std::optional<int> only_axis(const FrontendOperation& view, const ParamValue& v) {
  const int rank = input_rank(view);
  const auto axis = v.numbers.size() == 1 ? whole_number(v.numbers[0]) : std::nullopt;
  if (!axis || *axis < -rank || *axis >= rank) return std::nullopt;
  return static_cast<int>(*axis < 0 ? *axis + rank : *axis);
}

/// One value per spatial dimension; a raised tensor has one more, in front.
bool spatial(const FrontendOperation& view, std::vector<double>& v, double in_front) {
  const int dims = frontend_rank(view) - 2;
  if (dims < 1) return v.size() > 1;
  while (v.size() < static_cast<size_t>(dims) && !v.empty()) v.push_back(v[0]);
  if (is_raised(view)) v.insert(v.begin(), in_front);
  return true;
}

}  // namespace

int frontend_rank(const FrontendOperation& view) {
  const Port* in = view.port(PortRef::Side::kIn, 0);
  return in == nullptr ? -1 : in->frontend_rank;
}

bool transform(const FrontendOperation& view, Transform kind, ParamValue& v) {
  const int rank = input_rank(view);
  switch (kind) {
    case Transform::kNone: return true;
    case Transform::kAllAxesIfEmpty:
      if (v.numbers.empty()) {
        if (rank < 0) return false;
        for (int i = 0; i < rank; ++i) v.numbers.push_back(i);
      }
      [[fallthrough]];
    case Transform::kAxis:
    case Transform::kAxes: v.is_list = kind != Transform::kAxis; return move_axes(view, v.numbers);
    case Transform::kBool:
    case Transform::kNot:
      for (double& n : v.numbers) n = (n != 0) == (kind == Transform::kBool) ? 1 : 0;
      return true;
    case Transform::kNumber: v.is_list = false; return v.numbers.size() == 1;
    case Transform::kAxisNew:
      for (double& a : v.numbers) {
        if (a < 0 && rank < 0) return false;
        if (a < 0) a += rank + 1;
      }
      return true;
    case Transform::kTrailingAxes: {
      if (rank < 0) return false;
      const auto n = static_cast<int>(v.numbers.size());
      for (int i = 0; i < n; ++i) v.numbers[static_cast<size_t>(i)] = rank - n + i;
      return true;
    }
    case Transform::kAxisMask: {
      const auto axis = only_axis(view, v);
      if (!axis || *axis > 30) return false;
      v = ParamValue::known({static_cast<double>(1U << static_cast<unsigned>(*axis))}, false);
      return true;
    }
    case Transform::kAxesFrom: {
      const auto first = only_axis(view, v);
      if (!first) return false;
      v.numbers.clear();
      for (int i = *first; i < rank; ++i) v.numbers.push_back(i);
      v.is_list = true;
      return true;
    }
    case Transform::kPair:
    case Transform::kPair0: v.is_list = true; return spatial(view, v.numbers, kind == Transform::kPair ? 1 : 0);
    case Transform::kPadsTorch: {
      if (!spatial(view, v.numbers, 0)) return false;
      std::vector<double> out;
      for (double p : v.numbers) out.insert(out.end(), {p, p});
      v.numbers = std::move(out);
      v.is_list = true;
      return true;
    }
    case Transform::kPadsOnnx:
      interleave_halves(v.numbers);
      if (is_raised(view)) v.numbers.insert(v.numbers.begin(), {0, 0});
      v.is_list = true;
      return true;
    case Transform::kPadsOnnxFull:
      interleave_halves(v.numbers);
      v.is_list = true;
      return true;
    case Transform::kPadsTorchFull: v.is_list = true; return full_torch_pads(v.numbers, rank);
    case Transform::kLastPosition:
    case Transform::kWords:
    case Transform::kEinsum: return true;  // made before, from the argument itself
    case Transform::kPairOf:
      v.is_list = true;
      if (v.numbers.size() == 1) v.numbers.push_back(v.numbers[0]);
      return v.numbers.size() == 2;
    case Transform::kReciprocalPair:
      if (v.numbers.size() != 1 || v.numbers[0] == 0) return false;
      v = ParamValue::known({1 / v.numbers[0], 1 / v.numbers[0]}, true);
      return true;
  }
  return false;
}

std::string canonical_equation(std::string text) {
  std::erase(text, ' ');
  std::array<int, 128> count{};
  const size_t arrow = text.find("->");
  for (char c : text.substr(0, arrow)) {
    if (c != ',' && std::isalpha(static_cast<unsigned char>(c)) == 0) return "other";
    ++count[static_cast<unsigned char>(c) & 127U];
  }
  if (arrow == std::string::npos) {
    text += "->";
    for (char c = 'A'; c <= 'z'; ++c)
      if (std::isalpha(static_cast<unsigned char>(c)) != 0 && count[static_cast<unsigned char>(c)] == 1) text += c;
  }
  std::array<char, 128> name{};
  char next = 'a';
  for (char& c : text) {
    if (std::isalpha(static_cast<unsigned char>(c)) == 0) continue;
    char& known = name[static_cast<unsigned char>(c) & 127U];
    if (known == 0 && next > 'z') return "other";
    if (known == 0) known = next++;
    c = known;
  }
  return text;
}

ParamValue counted_pads(const FrontendOperation& view, const ParamSource& source, ParamValue stated) {
  const bool torch = source.transform == Transform::kPadsTorch;
  std::string word = torch ? stated.name : view.attribute("auto_pad").name;
  std::transform(word.begin(), word.end(), word.begin(), [](unsigned char c) { return std::toupper(c); });
  if (!torch && (word.empty() || word == "NOTSET") && stated.state != ParamValue::State::kUnset) {
    if (stated.state == ParamValue::State::kKnown && !transform(view, source.transform, stated))
      return ParamValue::unknown();
    return stated;
  }
  const size_t dims =
      frontend_rank(view) < 2 ? 0 : static_cast<size_t>(frontend_rank(view)) - 2 + (is_raised(view) ? 1 : 0);
  std::vector<double> pads(2 * dims, 0);
  if (word.compare(0, 4, "SAME") != 0) return ParamValue::known(std::move(pads), true);
  const Port* in = view.port(PortRef::Side::kIn, 0);
  const Port* weight = view.port(PortRef::Side::kIn, 1);
  const ParamValue filter = view.param("filter_size"), stride = view.param("stride"), dilation = view.param("dilation");
  for (size_t i = is_raised(view) ? 1 : 0; i < dims; ++i) {
    const auto at = [&](const ParamValue& v, double otherwise) {
      return i < v.numbers.size() ? v.numbers[i] : otherwise;
    };
    const auto axis = i + 2 - (is_raised(view) ? 1 : 0);
    double size = at(filter, 0);
    if (size == 0 && weight != nullptr && static_cast<int>(axis) < weight->frontend_rank)
      size = static_cast<double>(view.graph->shape(view.graph->value(weight->value))[axis]);
    const auto length = static_cast<double>(view.graph->shape(view.graph->value(in->value))[axis]);
    const double step = at(stride, 1);
    if (!(size >= 1) || length < 0 || !(step >= 1)) return ParamValue::unknown();
    const double reach = at(dilation, 1) * (size - 1);
    // The frontend's "same" without strides adds what the window reaches over.
    const double all = torch ? reach : std::max((std::ceil(length / step) - 1) * step + reach + 1 - length, 0.0);
    const double less = std::floor(all / 2);
    pads[2 * i] = word == "SAME_LOWER" ? all - less : less;
    pads[2 * i + 1] = all - pads[2 * i];
  }
  return ParamValue::known(std::move(pads), true);
}

}  // namespace snapgauge
