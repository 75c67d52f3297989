#include <gtest/gtest.h>

#include <set>

#include "base/text.h"
#include "report/columns.h"
#include "report/formats.h"
#include "report_fixture.h"

namespace snapgauge {
namespace {

using namespace testing;

TEST(ReportFormats, NamesAreFoundAndOccurOnce) {
  std::set<std::string_view> names;
  for (const Format& format : output_formats()) {
    EXPECT_TRUE(names.insert(format.name).second) << format.name;
    EXPECT_EQ(find_format(format.name), &format);
  }
  EXPECT_EQ(names, (std::set<std::string_view>{"github", "json", "json-lines", "junit", "sarif", "text"}));
  EXPECT_EQ(find_format(""), nullptr);
  EXPECT_EQ(find_format("SARIF"), nullptr);
}

TEST(ReportFormats, EqualReportsRenderEqual) {
  for (const Format& format : output_formats()) {
    const Report first = hostile_report();
    const Report second = hostile_report();
    EXPECT_EQ(format.render(first, {}), format.render(second, {})) << format.name;
    EXPECT_EQ(format.render(Report{}, {}), format.render(Report{}, {})) << format.name;
    if (format.job_summary != nullptr) {
      EXPECT_EQ(format.job_summary(first), format.job_summary(second)) << format.name;
    }
  }
}

TEST(ReportColumns, CountUtf16CodeUnits) {
  const std::string text = "abc\n\xC3\xB6x\xE9\x87\x8Fy\xF0\x9F\x98\x80z\nend";
  const std::tuple<uint32_t, uint32_t, uint32_t> rows[] = {
      {1, 1, 1},  {1, 3, 3}, {1, 4, 4},  {1, 99, 4},  // beyond the line: its end
      {2, 1, 1},  {2, 3, 2}, {2, 4, 3},  {2, 7, 4},  {2, 8, 5}, {2, 12, 7},
      {2, 13, 8}, {3, 3, 3}, {3, 50, 4}, {4, 1, 0},  {0, 1, 0}, {1, 0, 0},
  };
  std::vector<Location> places;
  for (auto row = std::rbegin(rows); row != std::rend(rows); ++row)
    places.push_back({std::get<0>(*row), std::get<1>(*row)});
  const Utf16Columns columns(text, places);
  for (const auto& [line, bytes, units] : rows) EXPECT_EQ(columns.find({line, bytes}), units) << line << ":" << bytes;
  EXPECT_EQ(columns.find({1, 2}), 0u);  // not asked for
  EXPECT_EQ(Utf16Columns("", places).find({1, 1}), 0u);
}

TEST(Utf8Length, WellFormedCharactersOnly) {
  const std::pair<std::string_view, size_t> rows[] = {{"a", 1},
                                                      {"\xC3\xB6", 2},
                                                      {"\xE9\x87\x8F", 3},
                                                      {"\xF0\x9F\x98\x80", 4},
                                                      {"", 0},
                                                      {"\x80", 0},
                                                      {"\xC0\x80", 0},
                                                      {"\xC1\xBF", 0},
                                                      {"\xC3", 0},
                                                      {"\xC3(", 0},
                                                      {"\xE0\x9F\xBF", 0},
                                                      {"\xED\xA0\x80", 0},
                                                      {"\xF0\x8F\xBF\xBF", 0},
                                                      {"\xF4\x90\x80\x80", 0},
                                                      {"\xF5\x80\x80\x80", 0},
                                                      {"\xF4\x8F\xBF\xBF", 4},
                                                      {"\xED\x9F\xBF", 3},
                                                      {"\xFF", 0}};
  for (const auto& [text, length] : rows) EXPECT_EQ(utf8_length(text), length) << printable(text);
}

}  // namespace
}  // namespace snapgauge
