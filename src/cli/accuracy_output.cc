#include "cli/accuracy_output.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "base/text.h"
#include "report/common.h"

namespace snapgauge::cli {
namespace {

// Ratios beyond it are drawn there: single precision ends at about that.
constexpr double kMostDb = 120;

std::string db_text(double db) { return std::isinf(db) ? (db > 0 ? "exact" : "-") : fmt::format("{:.1f}", db); }

Json db_json(double db) { return std::isfinite(db) ? Json(db) : Json(nullptr); }

template <size_t N>
std::string table(const std::vector<std::array<std::string, N>>& rows, size_t left) {
  std::array<size_t, N> widths{};
  for (const auto& row : rows)
    for (size_t i = 0; i < N; ++i) widths[i] = std::max(widths[i], row[i].size());
  std::string out;
  for (const auto& row : rows) {
    std::string line;
    for (size_t i = 0; i < N; ++i)
      line += i < left ? fmt::format("  {:<{}}", row[i], widths[i]) : fmt::format("  {:>{}}", row[i], widths[i]);
    out += line.substr(0, line.find_last_not_of(' ') + 1) + '\n';
  }
  return out;
}

std::vector<size_t> worst_first(const Accuracy& accuracy) {
  std::vector<size_t> order(accuracy.layers.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return accuracy.layers[a].sqnr_db < accuracy.layers[b].sqnr_db; });
  return order;
}

std::string range_text(double low, double high) {
  return low <= high ? fmt::format("{:.4g} .. {:.4g}", low, high) : std::string("-");
}

std::string xml_text(std::string_view text) {
  std::string out;
  for (const char c : text) switch (c) {
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '&': out += "&amp;"; break;
      case '"': out += "&quot;"; break;
      default: out += c;
    }
  return out;
}

}  // namespace

std::string accuracy_text(const Accuracy& accuracy, size_t most) {
  std::string out =
      fmt::format("accuracy over {} (signal to quantization noise in dB)\n", plural(accuracy.samples, "sample"));
  for (const OutputAccuracy& o : accuracy.outputs) out += fmt::format("  output {}: {}\n", o.name, db_text(o.sqnr_db));
  std::vector<std::array<std::string, 8>> rows{
      {"layer", "op", "type", "dB", "in float", "range in float", "range of type", "clipped"}};
  for (const size_t i : worst_first(accuracy)) {
    if (rows.size() > most) break;
    const LayerAccuracy& l = accuracy.layers[i];
    rows.push_back({l.node, l.op, l.dtype.empty() ? "float" : l.dtype, db_text(l.sqnr_db), db_text(l.unquantized_db),
                    range_text(l.least, l.largest), l.dtype.empty() ? "-" : range_text(l.low, l.high),
                    fmt::format("{:.2f} %", 100 * l.clipped)});
  }
  out += table(rows, 3);
  if (accuracy.layers.size() + 1 > rows.size())
    out += fmt::format("  and {} more accurate\n", plural(accuracy.layers.size() + 1 - rows.size(), "layer"));
  return out;
}

Json accuracy_json(const Accuracy& accuracy) {
  Json outputs = Json::array(), layers = Json::array();
  for (const OutputAccuracy& o : accuracy.outputs)
    outputs.push_back({{"name", o.name}, {"sqnr_db", db_json(o.sqnr_db)}});
  for (const LayerAccuracy& l : accuracy.layers) {
    Json layer{{"tensor", l.tensor}, {"node", l.node}, {"op", l.op}, {"elements", l.elements}};
    if (!l.dtype.empty()) layer["dtype"] = l.dtype;
    layer["sqnr_db"] = db_json(l.sqnr_db);
    layer["unquantized_sqnr_db"] = db_json(l.unquantized_db);
    if (l.least <= l.largest) layer["range"] = {l.least, l.largest};
    if (!l.dtype.empty()) layer["representable"] = {l.low, l.high};
    layer["clipped_share"] = l.clipped;
    layers.push_back(std::move(layer));
  }
  return {{"samples", accuracy.samples}, {"outputs", outputs}, {"layers", layers}};
}

std::string sensitivity_text(const Accuracy& accuracy, const std::vector<LayerSensitivity>& ranked, size_t most) {
  std::string out = "sensitivity: the worst output in dB with the error of one layer alone\n";
  std::vector<std::array<std::string, 3>> rows{{"layer", "op", "dB"}};
  for (const LayerSensitivity& s : ranked) {
    if (rows.size() > most) break;
    const LayerAccuracy& l = accuracy.layers[s.layer];
    rows.push_back({l.node, l.op, db_text(s.output_db)});
  }
  return out + table(rows, 2);
}

Json sensitivity_json(const Accuracy& accuracy, const std::vector<LayerSensitivity>& ranked) {
  Json out = Json::array();
  for (const LayerSensitivity& s : ranked)
    out.push_back({{"node", accuracy.layers[s.layer].node}, {"output_sqnr_db", db_json(s.output_db)}});
  return out;
}

std::string accuracy_svg(const Accuracy& accuracy, const std::string& title) {
  constexpr double kWidth = 960, kHeight = 360, kLeft = 56, kTop = 40, kBottom = 40, kRight = 16, kTick = 20;
  double highest = kTick;
  for (const LayerAccuracy& l : accuracy.layers) highest = std::max(highest, std::min(kMostDb, l.unquantized_db));
  highest = std::ceil(highest / kTick) * kTick;
  const auto count = static_cast<double>(std::max<size_t>(1, accuracy.layers.size()));
  const auto x = [&](size_t i) { return kLeft + (static_cast<double>(i) + 0.5) * (kWidth - kLeft - kRight) / count; };
  const auto y = [&](double db) {
    return kHeight - kBottom - std::clamp(db, 0.0, highest) / highest * (kHeight - kTop - kBottom);
  };
  std::string out = fmt::format(
      R"(<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {0} {1}" width="{0}" height="{1}" font-family="sans-serif" font-size="12">
<rect width="100%" height="100%" fill="white"/>
<text x="{2}" y="20" font-size="14">{3}: signal to quantization noise in dB, layer by layer</text>
)",
      kWidth, kHeight, kLeft, xml_text(title));
  for (double db = 0; db <= highest; db += kTick)
    out += fmt::format(
        "<line x1=\"{0}\" x2=\"{1}\" y1=\"{2:.1f}\" y2=\"{2:.1f}\" stroke=\"#ddd\"/><text x=\"{3}\" y=\"{4:.1f}\" "
        "text-anchor=\"end\">{5}</text>\n",
        kLeft, kWidth - kRight, y(db), kLeft - 8, y(db) + 4, db);
  const auto line = [&](const char* colour, auto value) {
    std::string points;
    for (size_t i = 0; i < accuracy.layers.size(); ++i)
      points += fmt::format("{:.1f},{:.1f} ", x(i), y(value(accuracy.layers[i])));
    return fmt::format("<polyline fill=\"none\" stroke=\"{}\" stroke-width=\"1.5\" points=\"{}\"/>\n", colour, points);
  };
  out += line("#9bb8d3", [](const LayerAccuracy& l) { return l.unquantized_db; });
  out += line("#1f5a96", [](const LayerAccuracy& l) { return l.sqnr_db; });
  for (size_t i = 0; i < accuracy.layers.size(); ++i) {
    const LayerAccuracy& l = accuracy.layers[i];
    out += fmt::format(
        "<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"3\" fill=\"#1f5a96\"><title>{} ({}): {} dB, {} dB if it alone were in "
        "float</title></circle>\n",
        x(i), y(l.sqnr_db), xml_text(l.node), xml_text(l.op), db_text(l.sqnr_db), db_text(l.unquantized_db));
  }
  return out +
         fmt::format(
             "<text x=\"{}\" y=\"{}\" fill=\"#1f5a96\">quantized</text><text x=\"{}\" y=\"{}\" fill=\"#7a99b8\">this "
             "layer alone in float</text>\n</svg>\n",
             kLeft, kHeight - 12, kLeft + 80, kHeight - 12);
}

}  // namespace snapgauge::cli
