#include "config/toml_depth.h"

#include <algorithm>

namespace snapgauge {
namespace {

class DepthScan {
 public:
  explicit DepthScan(std::string_view text) : text_(text) {}

  std::optional<TomlPlace> run() {
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == '"' || c == '\'') {
        skip_string(c);
        continue;
      }
      if (c == '#') {
        at_ = std::min(text_.find('\n', at_), text_.size());
        continue;
      }
      count(c);
      if (open_ > kMostTomlDepth || dots_ >= kMostTomlDepth) return place();
      ++at_;
    }
    return std::nullopt;
  }

 private:
  void count(char c) {
    switch (c) {
      case '[':
      case '{': ++open_; break;
      case ']':
      case '}': open_ = std::max(open_ - 1, 0); break;
      case '.': ++dots_; return;
      case '\n':
      case ',':
      case '=': break;
      default: return;
    }
    dots_ = 0;  // a key, if it was one, has ended
  }

  void skip_string(char quote) {
    const bool escapes = quote == '"';
    const char three[] = {quote, quote, quote};
    const std::string_view end(three, text_.substr(at_).starts_with(std::string_view(three, 3)) ? 3 : 1);
    for (at_ += end.size(); at_ < text_.size(); ++at_) {
      if (text_[at_] == '\n' && end.size() == 1) return;  // not closed
      if (text_[at_] == '\\' && escapes) {
        ++at_;
      } else if (text_.substr(at_).starts_with(end)) {
        at_ += end.size();
        // """a""""": up to two quotes before the closing three belong to the text.
        for (int more = 0; end.size() == 3 && more < 2 && at_ < text_.size() && text_[at_] == quote; ++more) ++at_;
        return;
      }
    }
  }

  TomlPlace place() const {
    const std::string_view before = text_.substr(0, at_);
    const size_t line_start = before.rfind('\n') + 1;  // npos + 1 is 0
    return {static_cast<uint32_t>(std::count(before.begin(), before.end(), '\n')) + 1,
            static_cast<uint32_t>(at_ - line_start) + 1};
  }

  std::string_view text_;
  size_t at_ = 0;
  int open_ = 0, dots_ = 0;
};

}  // namespace

std::optional<TomlPlace> too_deep(std::string_view text) { return DepthScan(text).run(); }

}  // namespace snapgauge
