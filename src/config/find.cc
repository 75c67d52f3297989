#include "config/find.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <charconv>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "config/config.h"

namespace snapgauge {
namespace {

namespace fs = std::filesystem;

/// Who called sudo, else this process's user.
uid_t user() {
  const uid_t own = ::geteuid();
  const char* caller = own == 0 ? std::getenv("SUDO_UID") : nullptr;
  if (caller == nullptr) return own;
  uid_t id = own;
  std::from_chars(caller, caller + std::strlen(caller), id);
  return id;
}

bool is_ours(const fs::path& path) {
  struct stat info {};
  return ::stat(path.c_str(), &info) == 0 && (info.st_uid == 0 || info.st_uid == ::geteuid() || info.st_uid == user());
}

/// As people would type it: from where they are, unless that is no shorter.
std::string shown(const fs::path& path) {
  std::error_code error;
  const fs::path here = fs::current_path(error);
  if (error) return path.generic_string();
  const std::string relative = path.lexically_proximate(here).generic_string();
  return relative.size() < path.native().size() ? relative : path.generic_string();
}

}  // namespace

FoundConfig find_config(const std::string& file) {
  std::error_code error;
  fs::path folder = fs::absolute(file, error).lexically_normal().parent_path();
  if (error) return {};
  for (fs::path repository;; folder = folder.parent_path()) {
    const fs::path candidate = folder / kConfigName;
    if (fs::is_regular_file(candidate, error)) {
      if (!repository.empty())
        return {shown(candidate), fmt::format("it lies above the repository {}", shown(repository))};
      if (!is_ours(candidate) || !is_ours(folder)) return {shown(candidate), "it belongs to another user"};
      return {shown(candidate), ""};
    }
    if (repository.empty() && fs::exists(fs::symlink_status(folder / ".git", error))) repository = folder;
    if (folder == folder.parent_path()) return {};
  }
}

}  // namespace snapgauge
