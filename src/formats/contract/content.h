// What a file format is asked about: the bytes of a file, what to call them, and where data beside them may lie.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"

namespace snapgauge {

/// Where the external data of a model may lie: it is looked for beside `model`, and what is found there is read when
/// its real path lies below the folder of the model's real path or below one of `allowed`.
struct ExternalData {
  std::string model;
  std::vector<std::string> allowed = {};
};

struct Content {
  std::string_view bytes;                  // outlive what is made of them, unless `file` holds them
  std::string name;                        // in errors
  std::shared_ptr<const MappedFile> file;  // null, or what holds the bytes: a graph keeps it alive
  std::optional<ExternalData> external;    // nullopt: looked for nowhere
};

}  // namespace snapgauge
