// The dumps of upstream's quantizer and upstream's recorded verdicts, for the tests of this folder.
//
// A subset is committed in tests/data. SNAPGAUGE_SHARED names a folder with annotations/ that holds
// the whole set.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "graph/graph.h"

namespace snapgauge::differential {

using Json = nlohmann::ordered_json;

/// Folder of the dumps and of the verdicts.
struct DataSet {
  std::string dumps, verdicts;
};
DataSet committed_data();
/// Nothing when SNAPGAUGE_SHARED is not set.
std::optional<DataSet> whole_data();

/// Sorted names of the *.json files in a folder; fails the test when there are none.
std::vector<std::string> json_files(const std::string& folder);
bool exists(const std::string& path);

/// Fails the test and returns null when the file cannot be read.
Json read_json(const std::string& path);
std::optional<Graph> read_dump(const Json& dump, const std::string& name);

}  // namespace snapgauge::differential
