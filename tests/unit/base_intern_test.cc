// Symbols are equal exactly when texts are, whatever their length, and texts stay where they are.
#include <gtest/gtest.h>

#include <map>
#include <random>
#include <string>

#include "base/intern.h"

namespace snapgauge {
namespace {

TEST(Interner, EqualTextsHaveEqualSymbolsAndOthersDoNot) {
  Interner interner;
  std::map<std::string, uint32_t, std::less<>> expected;
  std::map<std::string_view, const char*> places;
  std::mt19937 random(1);
  for (int i = 0; i < 20000; ++i) {
    // Few letters and short texts, so that many are equal and more are nearly so.
    std::string text(random() % 41, 'a');
    for (char& c : text) c = static_cast<char>(random() % 8 == 0 ? 'b' : 'a');
    EXPECT_EQ(interner.find(text).valid(), expected.contains(text));
    const Symbol symbol = interner.add(text);
    const auto known = expected.try_emplace(text, static_cast<uint32_t>(expected.size())).first;
    ASSERT_EQ(symbol.index, known->second) << text;
    ASSERT_EQ(interner.find(text), symbol);
    const auto place = places.try_emplace(interner.text(symbol), interner.text(symbol).data()).first;
    ASSERT_EQ(interner.text(symbol).data(), place->second);
  }
  EXPECT_EQ(interner.size(), expected.size());
  for (const auto& [text, index] : expected) EXPECT_EQ(interner.text(Symbol{index}), text);
}

TEST(Interner, NumberedNamesSpreadOut) {
  // Names that differ in a digit must not meet in the table: a million of them in a fraction of a second.
  Interner interner;
  for (uint32_t i = 0; i < 1000000; ++i) ASSERT_EQ(interner.add("layer_" + std::to_string(i)).index, i);
  for (uint32_t i = 0; i < 1000000; ++i) ASSERT_EQ(interner.find("layer_" + std::to_string(i)).index, i);
}

TEST(Interner, IsMovedWithItsTexts) {
  Interner first;
  const Symbol symbol = first.add("a name that is moved");
  const Interner second = std::move(first);
  EXPECT_EQ(second.text(symbol), "a name that is moved");
  EXPECT_EQ(second.find("a name that is moved"), symbol);
  EXPECT_FALSE(second.find("another").valid());
}

}  // namespace
}  // namespace snapgauge
