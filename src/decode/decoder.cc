#include "decode/decoder.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "base/text.h"

namespace snapgauge {
namespace {

/// Longer lines are read in pieces, so that finding the groups stays cheap.
constexpr size_t kLongestLine = size_t{64} << 10;
constexpr size_t kLongestText = 240;  // of a value or a kept line
constexpr size_t kMostCodes = 16;
/// Lines between two lines of one message; logs put blank and progress lines there.
constexpr uint64_t kReach = 20;

RE2::Options options() {
  RE2::Options o;
  o.set_encoding(RE2::Options::EncodingLatin1);  // bytes: a log need not be valid UTF-8
  o.set_log_errors(false);
  o.set_max_mem(int64_t{64} << 20);
  return o;
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlank = " \t\r\n";
  const size_t first = text.find_first_not_of(kBlank);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlank) - first + 1);
}

std::string kept(std::string_view text) {
  if (text.size() <= kLongestText) return std::string(text);
  return std::string(text.substr(0, kLongestText)) + "...";
}

template <class T>
void add_once(std::vector<T>& list, const T& item) {
  if (std::find(list.begin(), list.end(), item) == list.end()) list.push_back(item);
}

/// A bounded list: unknown numbers may be as many as lines.
void add_code(std::vector<uint32_t>& codes, uint32_t code) {
  if (codes.size() < kMostCodes) add_once(codes, code);
}

std::string dtype_text(const std::string& code) {
  const auto number = parse_code(code);
  const std::string_view name = number ? dtype_of_code(*number) : std::string_view();
  return name.empty() ? code : fmt::format("{} ({})", name, code);
}

/// What a group of the pattern caught goes where its name says; the first line to say it wins.
void take(DecodedMessage& into, const std::string& group, std::string text) {
  if (group == "node") {
    add_once(into.nodes, text);
  } else if (group == "op" || group == "port") {
    std::string& field = group == "op" ? into.op : into.port;
    if (field.empty()) field = std::move(text);
  } else if (group == "code" || group == "alone") {
    if (const auto number = parse_code(text)) add_code(into.codes, *number);
  } else if (std::none_of(into.values.begin(), into.values.end(), [&](const auto& v) { return v.first == group; })) {
    into.values.emplace_back(group, group.starts_with("dtype") ? dtype_text(text) : std::move(text));
  }
}

/// Joins the lines of one fault and folds equal ones.
class Grouper {
 public:
  explicit Grouper(DecodedLog& log) : log_(log) {}

  void add(const DecodedMessage& line, uint64_t number) {
    const Message& message = *line.message;
    if (!joins(line, number)) flush();
    if (open_.lines.empty() || &message < open_.message) open_.message = &message;  // the table is in order of priority
    for (const std::string& node : line.nodes) add_once(open_.nodes, node);
    if (open_.op.empty()) open_.op = line.op;
    if (open_.port.empty()) open_.port = line.port;
    for (const uint32_t code : line.codes) add_code(open_.codes, code);
    for (const auto& [group, text] : line.values) take(open_, group, text);
    // Of lines that say the same again one is kept: a log may repeat a line a million times.
    if (tally(message) == 0) open_.lines.push_back(line.lines.front());
    ++tally(message);
    stage_ = message.stage;
    last_ = number;
  }

  void flush() {
    if (open_.lines.empty()) return;
    std::string key = fmt::format("{}\n{}\n{}", open_.message->id, open_.op, open_.port);
    for (const auto& [group, text] : open_.values) key += fmt::format("\n{}\n{}", group, text);
    const auto [it, added] = index_.try_emplace(std::move(key), log_.messages.size());
    if (added) {
      log_.messages.push_back(open_);
      seen_.emplace_back(open_.nodes.begin(), open_.nodes.end());
    } else {
      fold(it->second);
    }
    log_.messages[it->second].count += tally(*open_.message);
    open_ = {};
    tally_.clear();
  }

 private:
  bool joins(const DecodedMessage& line, uint64_t number) const {
    if (open_.lines.empty()) return true;
    if (line.message->topic != open_.lines.back().message->topic || number - last_ > kReach) return false;
    if (line.message->stage < stage_) return false;
    const bool contradicts = std::any_of(line.values.begin(), line.values.end(), [&](const auto& said) {
      return std::any_of(open_.values.begin(), open_.values.end(),
                         [&](const auto& known) { return known.first == said.first && known.second != said.second; });
    });
    return !contradicts && (line.nodes.empty() || open_.nodes.empty() || line.nodes == open_.nodes);
  }

  uint64_t& tally(const Message& message) {
    for (auto& [known, lines] : tally_)
      if (known == &message) return lines;
    return tally_.emplace_back(&message, 0).second;
  }

  void fold(size_t index) {
    DecodedMessage& known = log_.messages[index];
    for (std::string& node : open_.nodes)
      if (seen_[index].insert(node).second) known.nodes.push_back(std::move(node));
    for (const uint32_t code : open_.codes) add_code(known.codes, code);
  }

  DecodedLog& log_;
  DecodedMessage open_;
  std::vector<std::pair<const Message*, uint64_t>> tally_;  // lines of the open message, by what they are
  Stage stage_ = Stage::kCause;
  uint64_t last_ = 0;
  std::unordered_map<std::string, size_t> index_;
  std::vector<std::unordered_set<std::string>> seen_;  // nodes, by index of the message
};

}  // namespace

std::string DecodedMessage::filled(std::string_view sentence) const {
  std::string text;
  while (!sentence.empty()) {
    const size_t open = sentence.find('{');
    const size_t close = sentence.find('}', open);
    text += sentence.substr(0, open);
    if (open == std::string_view::npos || close == std::string_view::npos) break;
    const std::string_view hole = sentence.substr(open + 1, close - open - 1);
    const auto value = std::find_if(values.begin(), values.end(), [&](const auto& v) { return v.first == hole; });
    if (hole == "op") {
      text += op.empty() ? "the op" : op;
    } else {
      text += value == values.end() ? "unknown" : value->second;
    }
    sentence.remove_prefix(close + 1);
  }
  return text;
}

Decoder::Decoder() : set_(options(), RE2::UNANCHORED) {}

Result<std::unique_ptr<Decoder>> Decoder::create() {
  std::unique_ptr<Decoder> decoder(new Decoder);
  for (const Message& message : all_messages()) {
    const re2::StringPiece pattern(message.pattern.data(), message.pattern.size());
    auto& compiled = decoder->patterns_.emplace_back(std::make_unique<RE2>(pattern, options()));
    std::string why;
    if (!compiled->ok() || decoder->set_.Add(pattern, &why) < 0)
      return Error{ErrorCode::kInternal, std::string(message.id), "pattern: " + compiled->error() + why};
  }
  if (!decoder->set_.Compile()) return Error{ErrorCode::kInternal, "", "the patterns for logs do not compile together"};
  return decoder;
}

std::vector<int> Decoder::matching(std::string_view line) const {
  std::vector<int> found;
  RE2::Set::ErrorInfo info{};
  const re2::StringPiece text(line.data(), line.size());
  if (!set_.Match(text, &found, &info) && info.kind != RE2::Set::kNoError) {
    // The automaton of all patterns outgrew its memory: search one by one, still linear.
    found.clear();
    for (size_t i = 0; i < patterns_.size(); ++i)
      if (RE2::PartialMatch(text, *patterns_[i])) found.push_back(static_cast<int>(i));
  }
  std::sort(found.begin(), found.end());
  return found;
}

std::vector<const Message*> Decoder::matches(std::string_view line) const {
  std::vector<const Message*> messages;
  for (const int index : matching(line)) messages.push_back(&all_messages()[static_cast<size_t>(index)]);
  return messages;
}

DecodedLog Decoder::decode(std::string_view log) const {
  DecodedLog decoded;
  Grouper grouper(decoded);
  std::vector<re2::StringPiece> groups;
  bool continued = false;
  while (!log.empty()) {
    const size_t length = std::min({log.find('\n'), log.size(), kLongestLine});
    const std::string_view line = log.substr(0, length);
    if (!continued) ++decoded.lines;
    continued = length < log.size() && log[length] != '\n';
    log.remove_prefix(std::min(log.size(), continued ? length : length + 1));

    const std::vector<int> found = matching(line);
    if (found.empty()) continue;
    ++decoded.recognized;
    const auto index = static_cast<size_t>(found.front());
    const RE2& pattern = *patterns_[index];
    groups.assign(static_cast<size_t>(pattern.NumberOfCapturingGroups()) + 1, {});
    pattern.Match({line.data(), line.size()}, 0, line.size(), RE2::UNANCHORED, groups.data(),
                  static_cast<int>(groups.size()));
    DecodedMessage one;
    one.message = &all_messages()[index];
    one.lines.push_back({decoded.lines, one.message, kept(trimmed(line))});
    for (const int other : found)  // a code by number or name, whatever else the line says
      if (const uint32_t code = all_messages()[static_cast<size_t>(other)].number; code != 0) one.codes.push_back(code);
    for (const auto& [number, name] : pattern.CapturingGroupNames()) {
      const re2::StringPiece& text = groups[static_cast<size_t>(number)];
      if (!text.empty()) take(one, name, kept(trimmed({text.data(), text.size()})));
    }
    grouper.add(one, decoded.lines);
  }
  grouper.flush();
  return decoded;
}

}  // namespace snapgauge
