// Log lines to messages: every line is searched for all patterns at once, lines about one node are
// joined, and equal messages are folded. Linear in the length of the log, whatever its bytes are.
#pragma once

#include <re2/re2.h>
#include <re2/set.h>

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "decode/table.h"

namespace snapgauge {

struct LogLine {
  uint64_t number = 0;  // 1-based
  const Message* message = nullptr;
  std::string text;  // without surrounding blanks; cut when long
};

/// One fault that the log reports, with everything its lines say about it.
struct DecodedMessage {
  const Message* message = nullptr;                         // the most telling one of its lines
  std::string op, port;                                     // empty when no line has them
  std::vector<std::string> nodes;                           // as the log spells them; each once
  std::vector<std::pair<std::string, std::string>> values;  // what the other groups caught; datatype codes by name
  std::vector<uint32_t> codes;                              // error codes, each once
  std::vector<LogLine> lines;                               // of the first time it occurs, one of each kind
  uint64_t count = 0;                                       // lines of the kind `message`

  std::string meaning() const { return filled(message->meaning); }
  std::string action() const { return filled(message->action); }

 private:
  std::string filled(std::string_view sentence) const;
};

struct DecodedLog {
  std::vector<DecodedMessage> messages;  // by their first line
  uint64_t lines = 0, recognized = 0;
};

class Decoder {
 public:
  /// Fails only when a pattern of the table is no pattern.
  static Result<std::unique_ptr<Decoder>> create();

  DecodedLog decode(std::string_view log) const;
  /// The messages whose patterns match the line, in order of priority.
  std::vector<const Message*> matches(std::string_view line) const;

 private:
  Decoder();
  std::vector<int> matching(std::string_view line) const;

  RE2::Set set_;
  std::vector<std::unique_ptr<RE2>> patterns_;  // by index of the message; for the groups
};

}  // namespace snapgauge
