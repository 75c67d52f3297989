#include <gtest/gtest.h>

#include "report/excerpt.h"

namespace snapgauge {
namespace {

TEST(ReportExcerpt, AShortLineIsShownWhole) {
  const Excerpt start = cut_line("alpha beta", 1, 40);
  EXPECT_EQ(start.line, "alpha beta");
  EXPECT_EQ(start.caret, 0);
  EXPECT_EQ(cut_line("alpha beta", 7, 40).caret, 6);
  EXPECT_EQ(cut_line("alpha beta", 10, 40).caret, 9);
  EXPECT_EQ(cut_line("alpha beta", 11, 40).caret, 10);           // just behind the line
  EXPECT_EQ(cut_line("alpha beta", 4000000000u, 40).caret, 10);  // a column that is not there
  EXPECT_EQ(cut_line("", 1, 40).line, "");
}

TEST(ReportExcerpt, ALongLineIsCutAroundTheColumn) {
  std::string line(1000, '.');
  line[0] = 'A', line[500] = 'B', line[999] = 'C';
  const std::pair<uint32_t, char> rows[] = {{1, 'A'}, {501, 'B'}, {1000, 'C'}};
  for (const auto& [column, letter] : rows) {
    const Excerpt part = cut_line(line, column, 40);
    EXPECT_LE(part.line.size(), 40u);
    EXPECT_GE(part.line.size(), 37u);
    EXPECT_EQ(part.line[static_cast<size_t>(part.caret)], letter);
  }
  EXPECT_EQ(cut_line(line, 1, 40).line.substr(0, 1), "A");
  EXPECT_EQ(cut_line(line, 1, 40).line.substr(34), "...");
  EXPECT_EQ(cut_line(line, 1000, 40).line.substr(0, 3), "...");
  EXPECT_EQ(cut_line(line, 1000, 40).line.back(), 'C');
}

TEST(ReportExcerpt, TheCaretCountsTerminalColumns) {
  EXPECT_EQ(cut_line("\"größe\": 1", 10, 40).caret, 7);  // two bytes each: ö, ß
  EXPECT_EQ(cut_line("量化 x", 8, 40).caret, 5);         // two columns each
  EXPECT_EQ(cut_line("e\xCC\x81 x", 5, 40).caret, 2);    // combining accent
  EXPECT_EQ(cut_line("\tx", 2, 40).caret, 4);
  EXPECT_EQ(cut_line("größe", 4, 40).caret, 2);  // inside of a character: its start
}

TEST(ReportExcerpt, CutsNeverSplitACharacter) {
  std::string line;
  for (int i = 0; i < 300; ++i) line += "量";
  for (uint32_t column = 1; column <= line.size() + 1; ++column) {
    const Excerpt part = cut_line(line, column, 40);
    EXPECT_EQ(part.line.find('\\'), std::string::npos) << column;
    EXPECT_LE(part.caret, 40) << column;
  }
}

TEST(ReportExcerpt, ControlsAndBrokenBytesAreEscaped) {
  EXPECT_EQ(cut_line("a\x1b[31m", 1, 40).line, "a\\x1b[31m");
  EXPECT_EQ(cut_line("a\x1b[31m", 3, 40).caret, 5);
  EXPECT_EQ(cut_line("a\xE4\xBA", 1, 40).line, "a\\xe4\\xba");
  EXPECT_EQ(cut_line("\xC2\x85", 1, 40).line, "\\xc2\\x85");
  EXPECT_EQ(cut_line("\xED\xA0\x80", 1, 40).line, "\\xed\\xa0\\x80");      // surrogate
  EXPECT_EQ(cut_line("\xE0\x80\x9B", 1, 40).line, "\\xe0\\x80\\x9b");      // overlong ESC
  EXPECT_EQ(cut_line("x\xE2\x80\xAEy", 1, 40).line, "x\\xe2\\x80\\xaey");  // right-to-left override
  const std::string junk(5000, '\x80');
  EXPECT_LE(cut_line(junk, 2500, 40).line.size(), 40u);
}

TEST(ReportExcerpt, FindsLines) {
  const Lines lines("one\r\ntwo\n\nfour", {4, 1, 3, 2, 2, 9});
  EXPECT_EQ(lines.find(1), "one");
  EXPECT_EQ(lines.find(2), "two");
  EXPECT_EQ(lines.find(3), "");
  EXPECT_EQ(lines.find(4), "four");
  EXPECT_EQ(lines.find(9), std::nullopt);
  EXPECT_EQ(lines.find(5), std::nullopt);  // not asked for
  EXPECT_EQ(lines.find(0), std::nullopt);
  EXPECT_EQ(Lines("", {1}).find(1), std::nullopt);
  EXPECT_EQ(Lines("a\n", {1, 2}).find(2), std::nullopt);
}

}  // namespace
}  // namespace snapgauge
