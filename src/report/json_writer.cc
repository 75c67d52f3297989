#include "report/json_writer.h"

#include <algorithm>

#include "report/json_parts.h"

namespace snapgauge {

void append_json(std::string& out, std::string_view text) {
  const bool plain = std::all_of(text.begin(), text.end(), [](char c) {
    return static_cast<unsigned char>(c) >= 0x20 && static_cast<unsigned char>(c) < 0x7F && c != '"' && c != '\\';
  });
  if (!plain || text.find("##[") != std::string_view::npos) {
    out += dumped(Json(text));
    return;
  }
  out += '"';
  out += text;
  out += '"';
}

}  // namespace snapgauge
