// Which snapgauge.toml holds for a file. A configuration accepts findings, so one that a stranger wrote may turn
// "rejected" into "accepted": as with git's safe.directory, only what is evidently the user's is used unasked.
#pragma once

#include <string>

namespace snapgauge {

struct FoundConfig {
  std::string path;            // empty: there is none
  std::string unused_because;  // empty: it holds
};

/// The nearest snapgauge.toml upwards from the file's folder. It holds unless
/// - it lies above the file's repository, the nearest folder with a .git, or
/// - it or its folder belongs to somebody other than the user of this process or root.
FoundConfig find_config(const std::string& file);

}  // namespace snapgauge
