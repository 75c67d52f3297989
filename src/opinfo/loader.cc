// Finds the tables of a directory and gives the pages their intervals.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>

#include "opinfo/tables.h"

namespace snapgauge::opinfo {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kFloatHalf = "_fp16";
constexpr size_t kMaxFiles = 4096;

bool is_json(const fs::directory_entry& entry) {
  std::error_code ignored;
  return entry.path().extension() == ".json" && entry.is_regular_file(ignored);
}

/// The *.json files of the directory and of the folders in it, as sorted paths below it.
Result<std::vector<std::string>> json_files(const std::string& directory) {
  std::vector<std::string> out;
  std::error_code error;
  for (auto it = fs::recursive_directory_iterator(directory, error); !error && it != fs::end(it); it.increment(error)) {
    if (it.depth() >= 1) it.disable_recursion_pending();
    if (is_json(*it)) out.push_back(fs::path(it->path()).lexically_relative(directory).generic_string());
    if (out.size() > kMaxFiles) return Error{ErrorCode::kLimit, directory, "too many JSON files"};
  }
  if (error) return Error{ErrorCode::kIo, directory, "cannot read the directory: " + error.message()};
  if (out.empty()) return Error{ErrorCode::kUsage, directory, "no op-info tables (*.json) in this directory"};
  std::sort(out.begin(), out.end());
  return out;
}

bool is_float_half(const std::string& backend) {
  return backend.size() > kFloatHalf.size() &&
         backend.compare(backend.size() - kFloatHalf.size(), kFloatHalf.size(), kFloatHalf) == 0;
}

std::string whole_backend(const std::string& backend) {
  return is_float_half(backend) ? backend.substr(0, backend.size() - kFloatHalf.size()) : backend;
}

/// Both halves of a split page call their only row "All"; in one table they need labels of their own.
void relabel(Document& page, const std::string& label) {
  for (OpEntry& op : page.ops) {
    op.backend = whole_backend(op.backend);
    for (VariantEntry& v : op.variants)
      if (v.config == "All") v.config = label;
    for (ConstraintEntry& c : op.constraints)
      if (c.configs.empty()) c.configs = {label};
  }
}

void join_split_pages(std::vector<Document>& documents) {
  std::set<std::pair<std::string, std::string>> split;  // backend, sdk
  for (const Document& d : documents)
    if (d.kind == DocumentKind::kPage && is_float_half(d.backend)) split.emplace(whole_backend(d.backend), d.sdk);
  for (Document& d : documents) {
    if (d.kind != DocumentKind::kPage) continue;
    if (is_float_half(d.backend))
      relabel(d, "FP16");
    else if (split.contains({d.backend, d.sdk}))
      relabel(d, "FIXED");
    d.backend = whole_backend(d.backend);
  }
}

bool has_version(const Document& d) {
  return d.kind == DocumentKind::kPage || d.kind == DocumentKind::kMaster || d.kind == DocumentKind::kSupported;
}

/// A page holds until the next version of the same page.
void set_intervals(std::vector<Document>& documents) {
  std::map<std::pair<DocumentKind, std::string>, std::set<int64_t>> versions;
  for (const Document& d : documents)
    if (has_version(d)) versions[{d.kind, d.backend}].insert(d.interval.since);
  for (Document& d : documents) {
    if (!has_version(d)) continue;
    const std::set<int64_t>& all = versions[{d.kind, d.backend}];
    const auto next = all.upper_bound(d.interval.since);
    d.interval.until = next == all.end() ? schema::kOpenEnd : *next;
    for (OpEntry& op : d.ops) {
      for (VariantEntry& v : op.variants) v.head.interval = d.interval;
      for (ConstraintEntry& c : op.constraints) c.head.interval = d.interval;
    }
  }
}

}  // namespace

Result<std::vector<Document>> load_tables(const std::string& path) {
  std::error_code ignored;
  const bool single = fs::is_regular_file(path, ignored);
  std::vector<std::string> names;
  if (single) {
    names = {fs::path(path).filename().string()};
  } else {
    auto found = json_files(path);
    if (!found) return found.error();
    names = std::move(found).value();
  }
  std::vector<Document> documents;
  for (const std::string& name : names) {
    const std::string file = single ? path : path + "/" + name;
    const auto json = read_json(file);
    if (!json) return json.error();
    auto document = read_table(json.value(), file, name);
    if (!document) return document.error();
    documents.push_back(std::move(document).value());
  }
  join_split_pages(documents);
  set_intervals(documents);
  return documents;
}

}  // namespace snapgauge::opinfo
