// Any bytes in place of something that was compiled with the database, or bytes of it exchanged: a graph is judged
// with them, or there is one error. The first byte picks what is replaced, the second how: all of it by the rest of the
// input (odd), or single bytes, by pairs of a place and a value.
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include "api/session.h"
#include "opinfo/database_file.h"

namespace {

using namespace snapgauge;

constexpr std::string_view kNames[] = {"op htp executorch Conv2d",
                                       "op htp executorch Relu",
                                       "op htp executorch Gather",
                                       "map aten aten.conv2d.default",
                                       "map aten aten.relu.default",
                                       "map aten aten.index_select.default",
                                       "map aten aten.split.Tensor",
                                       "patterns aten",
                                       "targets"};

template <class T>
T required(Result<T> result) {
  if (!result.ok()) std::abort();
  return std::move(result).value();
}

/// A database with hardly anything in it but what is compiled.
std::string small_image() {
  std::string folder = std::filesystem::temp_directory_path() / "compiled_fuzz.XXXXXX";
  if (::mkdtemp(folder.data()) == nullptr) std::abort();
  std::filesystem::create_directory(folder + "/opinfo");
  std::ofstream(folder + "/opinfo/htp.json")
      << R"({"format":1,"backend":"HTP","sdk_version":"2.25.0","dtype_rows":"joint","ops":{}})";
  required(build_database(folder + "/opinfo", folder + "/rules", folder + "/x.db"));
  const auto file = required(MappedFile::open(folder + "/x.db"));
  const auto image = required(opinfo::unsealed(file.bytes(), "")).image;
  std::string out(reinterpret_cast<const char*>(image.data()), image.size());
  std::filesystem::remove_all(folder);
  return out;
}

struct Fixture {
  std::string image = small_image();
  std::vector<std::string> bodies;
  Graph graph = required(load_graph(SNAPGAUGE_SOURCE_DIR "/data/small.sgraph.json")).graph;
  int file = ::memfd_create("compiled_fuzz", 0);
  std::string path = "/proc/self/fd/" + std::to_string(file);

  Fixture() {
    const Database shipped = required(Database::open(SNAPGAUGE_BINARY_DIR "/share/snapgauge/opinfo.db"));
    for (const std::string_view name : kNames) {
      const auto body = shipped.compiled(name, kLatestSdk);
      if (!body) std::abort();
      bodies.emplace_back(reinterpret_cast<const char*>(body->data()), body->size());
    }
    if (!judge(bodies)) std::abort();
  }

  /// Whether there is a verdict; else an error that says something.
  bool judge(const std::vector<std::string>& compiled) const {
    CompiledWriter out;
    for (size_t i = 0; i < compiled.size(); ++i)
      if (!out.add(std::string(kNames[i]), {}, compiled[i])) return false;
    const std::string bytes = opinfo::sealed(image, out.section());
    if (::ftruncate(file, 0) != 0 ||
        ::pwrite(file, bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size()))
      std::abort();
    const auto session = Session::open({path, {}}, {});
    if (!session.ok() && session.error().text.empty()) std::abort();
    if (!session.ok()) return false;
    const auto result = session.value()->check(graph);
    if (!result.ok() && result.error().text.empty()) std::abort();
    return result.ok();
  }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const Fixture fixture;
  if (size < 2) return 0;
  std::vector<std::string> compiled = fixture.bodies;
  std::string& body = compiled[data[0] % compiled.size()];
  if (data[1] % 2 != 0) {
    body.assign(reinterpret_cast<const char*>(data) + 2, size - 2);
  } else {
    for (size_t i = 2; i + 2 < size; i += 3)
      body[(data[i] * size_t{256} + data[i + 1]) % body.size()] = static_cast<char>(data[i + 2]);
  }
  fixture.judge(compiled);
  return 0;
}
