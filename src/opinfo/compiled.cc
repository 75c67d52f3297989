#include "opinfo/compiled.h"

#include <fmt/format.h>

#include <cstring>
#include <vector>

namespace snapgauge {
namespace {

/// Stands for all code that a table is compiled with; see src/CMakeLists.txt.
constexpr uint64_t kSourcesId =
#include "opinfo/sources_id.inc"
    ;

/// In the byte order of the machine, and the id tells the orders apart.
struct Header {
  uint64_t sources_id = kSourcesId;
  uint64_t count = 0;
};

uint64_t packed(SdkVersion v) { return uint64_t{v.major} << 32U | uint64_t{v.minor} << 16U | v.patch; }

template <class T>
void append(std::string& out, const T& value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof value);
}

}  // namespace

/// By name and `since`, in ascending order; places are offsets in the section.
struct CompiledSection::Entry {
  uint64_t since = 0;
  uint32_t name_at = 0, name_size = 0;
  uint32_t at = 0, size = 0;

  bool inside(size_t end) const {
    return uint64_t{name_at} + name_size <= end && uint64_t{at} + size <= end && size <= kMostCompiledBytes;
  }
};

Status CompiledWriter::add(const std::string& name, SdkVersion since, std::string bytes) {
  if (bytes.size() > kMostCompiledBytes)
    return Error{ErrorCode::kLimit, "compiled " + name, fmt::format("takes more than {} bytes", kMostCompiledBytes)};
  entries_[{name, packed(since)}] = &*bodies_.insert(std::move(bytes)).first;
  return Done{};
}

std::string CompiledWriter::section() const {
  std::vector<CompiledSection::Entry> index;
  std::string heap;
  std::map<const std::string*, uint32_t> places;
  const std::string* last_name = nullptr;
  const std::string* last_body = nullptr;
  for (const auto& [key, body] : entries_) {
    const auto& [name, since] = key;
    const bool same_name = last_name != nullptr && *last_name == name;
    if (same_name && last_body == body) continue;
    CompiledSection::Entry entry{.since = since,
                                 .name_at = same_name ? index.back().name_at : static_cast<uint32_t>(heap.size()),
                                 .name_size = static_cast<uint32_t>(name.size()),
                                 .at = 0,
                                 .size = static_cast<uint32_t>(body->size())};
    if (!same_name) heap += name;
    const auto [place, fresh] = places.emplace(body, static_cast<uint32_t>(heap.size()));
    if (fresh) heap += *body;
    entry.at = place->second;
    index.push_back(entry);
    last_name = &name;
    last_body = body;
  }
  std::string out;
  append(out, Header{.count = index.size()});
  const size_t heap_at = out.size() + index.size() * sizeof(CompiledSection::Entry);
  for (CompiledSection::Entry entry : index) {
    entry.name_at += static_cast<uint32_t>(heap_at);
    entry.at += static_cast<uint32_t>(heap_at);
    append(out, entry);
  }
  return out + heap;
}

CompiledSection::Entry CompiledSection::entry(size_t index) const {
  Entry out;
  std::memcpy(&out, bytes_.data() + sizeof(Header) + index * sizeof out, sizeof out);
  return out;
}

std::string_view CompiledSection::name(const Entry& entry) const {
  return {reinterpret_cast<const char*>(bytes_.data()) + entry.name_at, entry.name_size};
}

std::optional<CompiledSection> CompiledSection::over(std::span<const std::byte> bytes) {
  CompiledSection out;
  if (bytes.empty()) return out;
  Header header;
  if (bytes.size() < sizeof header) return std::nullopt;
  std::memcpy(&header, bytes.data(), sizeof header);
  if (header.sources_id != kSourcesId) return out;
  if (header.count > (bytes.size() - sizeof header) / sizeof(Entry)) return std::nullopt;
  out.bytes_ = bytes;
  out.count_ = header.count;
  for (size_t i = 0; i < out.count_; ++i)
    if (!out.entry(i).inside(bytes.size())) return std::nullopt;
  return out;
}

std::optional<std::span<const std::byte>> CompiledSection::find(std::string_view name, SdkVersion sdk) const {
  const auto wanted = std::pair(name, packed(sdk));
  size_t first = 0;  // entries before it are not later than what is wanted, those from `end` on are
  for (size_t end = count_; first < end;) {
    const size_t middle = first + (end - first) / 2;
    const Entry at = entry(middle);
    if (std::pair(this->name(at), at.since) <= wanted)
      first = middle + 1;
    else
      end = middle;
  }
  if (first == 0) return std::nullopt;
  const Entry found = entry(first - 1);
  if (this->name(found) != name) return std::nullopt;
  return bytes_.subspan(found.at, found.size);
}

}  // namespace snapgauge
