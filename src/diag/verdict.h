// Verdicts of nodes and files.
#pragma once

#include <cstdint>
#include <string_view>

namespace snapgauge {

enum class NodeVerdict : uint8_t { kAccepted, kRejected, kUnknown };
enum class FileVerdict : uint8_t { kAccepted, kIncomplete, kRejected, kUnreadable };
std::string_view verdict_name(NodeVerdict verdict);
std::string_view verdict_name(FileVerdict verdict);

}  // namespace snapgauge
