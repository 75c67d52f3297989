#include "differential/recorded.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "formats/sgraph/reader.h"

namespace snapgauge::differential {

namespace fs = std::filesystem;

DataSet committed_data() {
  const std::string data = SNAPGAUGE_SOURCE_DIR "/tests/data";
  return {data + "/annotations", data + "/verdicts"};
}

std::optional<DataSet> whole_data() {
  const char* folder = std::getenv("SNAPGAUGE_SHARED");
  if (folder == nullptr || *folder == '\0') return std::nullopt;
  const std::string dumps = std::string(folder) + "/annotations";
  return DataSet{dumps, dumps + "/verdicts"};
}

std::vector<std::string> json_files(const std::string& folder) {
  std::vector<std::string> out;
  std::error_code error;
  for (fs::directory_iterator it(folder, error); !error && it != fs::directory_iterator(); it.increment(error))
    if (it->path().extension() == ".json") out.push_back(it->path().filename().string());
  EXPECT_FALSE(out.empty()) << "no *.json files in " << folder;
  std::sort(out.begin(), out.end());
  return out;
}

bool exists(const std::string& path) {
  std::error_code ignored;
  return fs::exists(path, ignored);
}

Json read_json(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  Json json = Json::parse(in, nullptr, false);
  EXPECT_FALSE(json.is_discarded()) << path;
  return json.is_discarded() ? Json() : json;
}

std::optional<Graph> read_dump(const Json& dump, const std::string& name) {
  auto document = JsonDocument::parse(dump.dump(), name);
  if (!document) {
    ADD_FAILURE() << document.error().message();
    return std::nullopt;
  }
  auto graph = read_annotated_graph(*document);
  if (!graph) {
    ADD_FAILURE() << graph.error().message();
    return std::nullopt;
  }
  return std::move(*graph);
}

}  // namespace snapgauge::differential
