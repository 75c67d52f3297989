// Values survive being stored, and bytes that are not a value's are never taken for one.
#include <gtest/gtest.h>

#include <limits>

#include "base/codec.h"

namespace snapgauge::codec_test {

enum class Colour : uint8_t { kRed, kGreen, kBlue };
constexpr Colour last_of(Colour) { return Colour::kBlue; }

struct Leaf {
  std::string text = "none";
  std::optional<bool> flag;
  bool operator==(const Leaf&) const = default;
};
auto fields(Leaf& l) {
  auto& [text, flag] = l;
  return std::tie(text, flag);
}

struct Tree {
  Colour colour = Colour::kGreen;
  double number = 0.5;
  int64_t small = -1;
  uint8_t byte = 0;
  Boxed<Leaf> leaf;
  std::vector<Tree> below;
  std::vector<std::pair<std::string, uint32_t>> named;
  std::map<int, std::string> by_number;
  bool operator==(const Tree&) const = default;
};
auto fields(Tree& t) {
  auto& [colour, number, small, byte, leaf, below, named, by_number] = t;
  return std::tie(colour, number, small, byte, leaf, below, named, by_number);
}

std::span<const std::byte> bytes(std::string_view text) { return std::as_bytes(std::span(text)); }

Tree sample() {
  Tree twig;
  twig.colour = Colour::kBlue;
  twig.leaf = Leaf{"a text that is there twice", false};
  Tree tree;
  tree.number = -1e300;
  tree.small = std::numeric_limits<int64_t>::min();
  tree.byte = 200;
  tree.leaf = Leaf{"a text that is there twice", {}};
  tree.below = {twig, Tree(), twig};
  tree.named = {{"", ~0U}, {"x", 3}, {std::string(3000, 'y'), 0}};
  tree.by_number = {{-5, "five"}, {7, "seven"}};
  return tree;
}

template <class T>
void survives(const T& value, size_t size) {
  const std::string stored = encoded(value);
  EXPECT_EQ(stored.size(), size);
  const auto back = decoded<T>(bytes(stored));
  ASSERT_TRUE(back.has_value());
  EXPECT_EQ(*back, value);
}

TEST(Codec, NumbersAreAsLongAsTheyNeedToBe) {
  survives<int64_t>(0, 1);
  survives<int64_t>(-64, 1);
  survives<int64_t>(64, 2);
  survives(std::numeric_limits<int64_t>::max(), 10);
  survives(std::numeric_limits<int64_t>::min(), 10);
  survives(~uint64_t{0}, 1);
  survives(uint64_t{1} << 63U, 10);
  survives(uint32_t{0xFFFFFFFF}, 1);
  survives(-0.75, 8);
  survives(true, 1);
  survives(Colour::kBlue, 1);
}

TEST(Codec, MembersAsTheyAreMadeTakeNothing) {
  survives(Tree(), 1);
  Tree tree;
  tree.byte = 1;
  survives(tree, 2);
  tree.below = {Tree(), Tree()};
  survives(tree, 5);
}

TEST(Codec, StructuresSurvive) {
  const Tree tree = sample();
  const std::string stored = encoded(tree);
  const auto back = decoded<Tree>(bytes(stored));
  ASSERT_TRUE(back.has_value());
  EXPECT_EQ(*back, tree);
  EXPECT_EQ(stored.find("there twice"), stored.rfind("there twice"));
}

TEST(Codec, NoPartOfAValueIsAValue) {
  const std::string stored = encoded(sample());
  for (size_t size = 0; size < stored.size(); ++size)
    EXPECT_FALSE(decoded<Tree>(bytes(stored.substr(0, size))).has_value()) << size;
  EXPECT_FALSE(decoded<Tree>(bytes(stored + '\0')).has_value());
}

TEST(Codec, OtherBytesAreNothingOrAnotherValue) {
  const std::string stored = encoded(sample());
  size_t refused = 0;
  for (size_t at = 0; at < stored.size(); ++at)
    for (unsigned bit = 0; bit < 8; ++bit) {
      std::string changed = stored;
      changed[at] = static_cast<char>(static_cast<unsigned char>(changed[at]) ^ 1U << bit);
      const auto value = decoded<Tree>(bytes(changed));
      refused += value ? 0 : 1;
      if (value) {
        EXPECT_EQ(decoded<Tree>(bytes(encoded(*value))), value) << at;
      }
    }
  EXPECT_GT(refused, 100U);
}

TEST(Codec, NumbersOutOfRangeAreRefused) {
  EXPECT_FALSE(decoded<Colour>(bytes(encoded(3))).has_value());
  EXPECT_FALSE(decoded<Colour>(bytes(encoded(-1))).has_value());
  EXPECT_FALSE(decoded<bool>(bytes(encoded(2))).has_value());
  EXPECT_FALSE(decoded<int8_t>(bytes(encoded(128))).has_value());
  EXPECT_FALSE(decoded<uint8_t>(bytes(encoded(128))).has_value());  // as a signed number, which has all 256 values
  EXPECT_FALSE(decoded<int>(bytes(encoded(int64_t{1} << 31U))).has_value());
  EXPECT_FALSE(decoded<int64_t>(bytes(std::string(9, '\xFF') + '\x02')).has_value());
  EXPECT_FALSE(decoded<int64_t>(bytes(std::string(20, '\x80'))).has_value());
  EXPECT_FALSE(decoded<Leaf>(bytes(encoded(1 << 2))).has_value());  // a third member
}

TEST(Codec, ClaimsOfSizeAreHeldAgainstTheBytes) {
  const std::string much = encoded(int64_t{1} << 40U);
  EXPECT_FALSE(decoded<std::string>(bytes(much + "abc")).has_value());
  EXPECT_FALSE(decoded<std::vector<Tree>>(bytes(much + std::string(100, '\0'))).has_value());
  EXPECT_FALSE(decoded<std::vector<int>>(bytes(encoded(-1))).has_value());
  EXPECT_FALSE(decoded<std::string>(bytes(encoded(-1))).has_value());  // the number of a text that was not there
}

TEST(Codec, DepthIsLimited) {
  Tree tree;
  for (int i = 1; i < Decoder::kMaxDepth; ++i) {
    Tree above;
    above.below.push_back(std::move(tree));
    tree = std::move(above);
  }
  EXPECT_EQ(decoded<Tree>(bytes(encoded(tree))), tree);
  Tree above;
  above.below.push_back(tree);
  EXPECT_FALSE(decoded<Tree>(bytes(encoded(above))).has_value());
}

TEST(Boxed, ReadsAsTheStandardUntilItHoldsAValue) {
  Boxed<Leaf> box;
  EXPECT_FALSE(box);
  EXPECT_EQ(box->text, "none");
  EXPECT_EQ(box, Boxed<Leaf>(Leaf()));
  box = Leaf{"some", {}};
  const Boxed<Leaf> copy = box;
  EXPECT_TRUE(copy);
  EXPECT_EQ(&*copy, &*box);
  EXPECT_NE(copy, Boxed<Leaf>());
}

}  // namespace snapgauge::codec_test
