#include <gtest/gtest.h>

#include "base/encoding.h"
namespace snapgauge {
namespace {

std::string utf16(std::u16string_view text, bool little, bool mark = true) {
  std::string out;
  const auto add = [&](char16_t unit) {
    const char low = static_cast<char>(unit & 0xFF), high = static_cast<char>(unit >> 8);
    out += little ? low : high;
    out += little ? high : low;
  };
  if (mark) add(u'\uFEFF');
  for (const char16_t unit : text) add(unit);
  return out;
}

std::string text_of(std::string_view bytes) {
  std::string storage;
  const auto text = unicode_text(bytes, storage);
  EXPECT_TRUE(text) << text.error().message();
  return text ? std::string(text.value()) : "";
}

TEST(UnicodeText, BothByteOrdersOfUtf16) {
  for (const bool little : {true, false}) {
    EXPECT_EQ(text_of(utf16(u"", little)), "");
    EXPECT_EQ(text_of(utf16(u"error 3110\r\n", little)), "error 3110\r\n");
    EXPECT_EQ(text_of(utf16(u"\u00F6 \u91CF \U0001F600 \uFEFF", little)),
              "\xC3\xB6 \xE9\x87\x8F \xF0\x9F\x98\x80 \xEF\xBB\xBF");
    EXPECT_EQ(text_of(utf16(std::u16string_view(u"a\0b", 3), little)), std::string_view("a\0b", 3));
  }
}

TEST(UnicodeText, WithoutAMarkOfUtf16TheBytesStay) {
  const std::string none = utf16(u"error", true, /*mark=*/false);
  for (const std::string& bytes : {std::string(), std::string("error"), std::string("\xFF"), std::string("\xFE"),
                                   std::string("\xFF\xFF\xFE"), none, std::string("\xEF\xBB")})
    EXPECT_EQ(text_of(bytes), bytes);
  EXPECT_EQ(text_of("\xEF\xBB\xBF"
                    "error"),
            "error");
}

TEST(UnicodeText, WhatIsNoCharacterBecomesAReplacement) {
  const std::string r = "\xEF\xBF\xBD";
  const std::pair<std::u16string, std::string> rows[] = {
      {{u'a', char16_t{0xD83D}, u'b'}, "a" + r + "b"},            // high half alone
      {{u'a', char16_t{0xDE00}, u'b'}, "a" + r + "b"},            // low half alone
      {{char16_t{0xDE00}, char16_t{0xD83D}, u'b'}, r + r + "b"},  // in the wrong order
      {{char16_t{0xD83D}, char16_t{0xD83D}, u'b'}, r + r + "b"},
      {{u'a', char16_t{0xD83D}}, "a" + r},                                        // at the end
      {{u'a', char16_t{0xFFFE}, char16_t{0xFFFF}}, "a\xEF\xBF\xBE\xEF\xBF\xBF"},  // odd, but characters
  };
  for (const bool little : {true, false}) {
    for (const auto& [text, wanted] : rows) EXPECT_EQ(text_of(utf16(text, little)), wanted);
    EXPECT_EQ(text_of(utf16(u"ab", little) + "c"), "ab" + r) << "an odd length";
    EXPECT_EQ(text_of(utf16(std::u16string{u'a', char16_t{0xD83D}}, little) + "\xDE"), "a" + r) << "half a half";
  }
}

TEST(UnicodeText, LongTextsComeInPieces) {
  std::u16string text;
  std::string wanted;
  for (int i = 0; i < 100000; ++i) {
    text += i % 1000 == 999 ? std::u16string{char16_t{0xD800}, u'\n'} : std::u16string(u"\U0001F600");
    wanted += i % 1000 == 999 ? "\xEF\xBF\xBD\n" : "\xF0\x9F\x98\x80";
  }
  for (const bool little : {true, false}) EXPECT_EQ(text_of(utf16(text, little)), wanted);
}

}  // namespace
}  // namespace snapgauge
