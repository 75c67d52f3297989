#include "diag/pattern.h"

#include <fmt/format.h>
#include <re2/re2.h>

#include "base/text.h"

namespace snapgauge {
namespace {

// Of one of up to kMostWaivers patterns; a hundred times what names of nodes need.
constexpr int64_t kMostMemory = int64_t{64} << 10;

}  // namespace

Result<NodePattern> NodePattern::compile(std::string_view text) {
  if (text.size() > kMostBytes)
    return Error{ErrorCode::kLimit, "", fmt::format("a pattern of more than {} bytes", kMostBytes)};
  RE2::Options options(RE2::Quiet);
  options.set_max_mem(kMostMemory);
  auto compiled = std::make_shared<const RE2>(re2::StringPiece(text.data(), text.size()), options);
  if (!compiled->ok())
    return Error{ErrorCode::kParse, "",
                 fmt::format("\"{}\" is no pattern: {}", printable(text), printable(compiled->error()))};
  return NodePattern(std::move(compiled));
}

bool NodePattern::matches(std::string_view name) const {
  return RE2::FullMatch(re2::StringPiece(name.data(), name.size()), *compiled_);
}

}  // namespace snapgauge
