#include "diag/verdict.h"

#include <array>

namespace snapgauge {
namespace {

constexpr std::array<std::string_view, 3> kNodeVerdicts{"accepted", "rejected", "unknown"};
constexpr std::array<std::string_view, 4> kFileVerdicts{"accepted", "incomplete", "rejected", "unreadable"};

}  // namespace

std::string_view verdict_name(NodeVerdict verdict) { return kNodeVerdicts[static_cast<size_t>(verdict)]; }
std::string_view verdict_name(FileVerdict verdict) { return kFileVerdicts[static_cast<size_t>(verdict)]; }

}  // namespace snapgauge
