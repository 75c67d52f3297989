// Any bytes as a log, also as UTF-16: decoded the same twice, counted right, and rendered without a control character.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>

#include "base/encoding.h"
#include "base/text.h"
#include "decode/decoder.h"
#include "decode/model.h"
#include "decode/render.h"

namespace {

using namespace snapgauge;

const Decoder& decoder() {
  static const std::unique_ptr<Decoder> created = [] {
    auto result = Decoder::create();
    if (!result.ok()) std::abort();
    return std::move(result).value();
  }();
  return *created;
}

const CheckedModel& model() {
  static const CheckedModel one = [] {
    CheckedModel made;
    made.verdict = FileVerdict::kRejected;
    made.nodes.push_back({"layers.0/Conv", "Conv", "Conv2d", NodeVerdict::kRejected, {}});
    made.nodes.push_back({"aten_bmm_default_7", "aten.bmm.default", "MatMul", NodeVerdict::kAccepted, {}});
    return made;
  }();
  return one;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const auto index = ModelIndex::create(model());
  if (!index.ok()) std::abort();
  std::string storage;
  const auto text_of_bytes = unicode_text({reinterpret_cast<const char*>(data), size}, storage);
  if (!text_of_bytes.ok()) std::abort();
  const std::string_view log = text_of_bytes.value();
  for (std::string_view rest = storage; !rest.empty();) {  // what was converted is UTF-8
    const size_t length = utf8_length(rest);
    if (length == 0) std::abort();
    rest.remove_prefix(length);
  }
  DecodeReport report;
  report.path = "fuzz";
  report.model = index.value().get();
  report.log = decoder().decode(log);
  const auto newlines = static_cast<uint64_t>(std::count(log.begin(), log.end(), '\n'));
  if (report.log.lines < newlines || report.log.lines > newlines + 1) std::abort();
  const std::string text = render_text(report, {});
  const std::string json = render_json(report);
  if (std::any_of(text.begin(), text.end(), [](char c) { return c != '\n' && c >= 0 && c < 0x20; })) std::abort();
  report.log = decoder().decode(log);
  if (text != render_text(report, {}) || json != render_json(report)) std::abort();
  return 0;
}
