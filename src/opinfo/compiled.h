// What the modules above compiled from the tables when the database was built: bytes by name and SDK version, which
// stand behind the SQLite image in the same file and under the same seal (opinfo/database_file.h).
//
// They are as good as the code that made them. A section names the sources it was made with, and code of other sources
// finds it empty: it compiles from the tables, as it does for tables that were never compiled.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"
#include "opinfo/version.h"

namespace snapgauge {

/// Of one body. What is decoded can take some hundred times as much memory.
inline constexpr size_t kMostCompiledBytes = size_t{1} << 16U;

class CompiledWriter {
 public:
  /// The bytes hold from `since` to the next version that is added under the name. Too many are an error.
  Status add(const std::string& name, SdkVersion since, std::string bytes);
  /// The same additions give the same bytes. Less than 4 GiB in all.
  std::string section() const;

 private:
  std::map<std::pair<std::string, uint64_t>, const std::string*> entries_;  // into `bodies_`
  std::set<std::string> bodies_;
};

/// A view of a section; what it is over outlives it.
class CompiledSection {
 public:
  CompiledSection() = default;  // empty
  /// Nothing when the bytes are damaged.
  static std::optional<CompiledSection> over(std::span<const std::byte> bytes);

  std::optional<std::span<const std::byte>> find(std::string_view name, SdkVersion sdk) const;

 private:
  struct Entry;
  friend class CompiledWriter;
  Entry entry(size_t index) const;
  std::string_view name(const Entry& entry) const;

  std::span<const std::byte> bytes_;
  size_t count_ = 0;
};

}  // namespace snapgauge
