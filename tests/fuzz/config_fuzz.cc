// Configurations and recipes: whatever the bytes, a value or one error.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "config/config.h"
#include "config/recipe.h"
#include "fuzz/grow.h"

namespace {

constexpr std::string_view kWords[] = {"backend = \"htp\"\n",
                                       "soc = \"SM8350\"\n",
                                       "sdk = ",
                                       "select = [\"SG5\"]\n",
                                       "ignore = [",
                                       "opinfo = [\"x\"]\n",
                                       "warn = true\n",
                                       "[levels]\n",
                                       "SG2 = \"off\"\n",
                                       "[[nodes]]\n",
                                       "pattern = \".*\"\n",
                                       "ignore = [\"SG502\"]\n",
                                       "reason = \"x\"\n",
                                       "\"\"\"",
                                       "'''",
                                       "\\u202e",
                                       "# ",
                                       "a.b.c = 1\n",
                                       "(a|b){1000}",
                                       "[quantize]\n",
                                       "[[quantize.rules]]\n",
                                       "config = \"16a4w_block\"\n",
                                       "name = \".*\"\n",
                                       "op = [\"Conv\"]\n",
                                       "block = [1, 32]\n",
                                       "granularity = \"per-block\"\n",
                                       "1979-05-27T07:32:00Z"};
constexpr snapgauge::fuzz::Bracket kBrackets[] = {{"[", "]"}, {"{a=", "}"}, {"a.", ""}, {"\"", "\""}, {"(", ")*"}};

}  // namespace

SNAPGAUGE_GROWS(kWords, kBrackets)

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto config = snapgauge::parse_config(text, "fuzz.toml"))
    if (snapgauge::show_config(config.value(), {}).empty()) __builtin_trap();
  (void)snapgauge::parse_recipe(text, "fuzz.toml");
  return 0;
}
