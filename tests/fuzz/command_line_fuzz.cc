// The whole program in one process: lines are arguments up to an empty one, what follows it is the file `input`. Any of
// it ends with one of the exit codes, says so within time and memory, and touches nothing outside of its own folder.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include "cli/command_line.h"

extern "C" __attribute__((weak)) void __sanitizer_set_report_fd(void* fd);

namespace {

namespace fs = std::filesystem;

/// An empty folder, which goes with the process.
class Folder {
 public:
  Folder() {
    std::string name = (fs::temp_directory_path() / "snapgauge-fuzz-XXXXXX").native();
    if (::mkdtemp(name.data()) == nullptr) std::abort();
    path_ = name;
    for (const char* variable : {"GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY", "GITHUB_OUTPUT"}) ::unsetenv(variable);
  }
  ~Folder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  const fs::path& path() const { return path_; }
  void fill(std::string_view input) const {
    for (const fs::directory_entry& left : fs::directory_iterator(path_)) fs::remove_all(left.path());
    std::ofstream(path_ / "input", std::ios::binary) << input;
  }

 private:
  fs::path path_;
};

/// The standard streams lead nowhere as long as it lives; what sanitizers have to say is still heard.
class Silence {
 public:
  Silence() {
    for (const int stream : {0, 1, 2}) {
      saved_[stream] = ::dup(stream);
      ::dup2(nowhere(), stream);
    }
    if (__sanitizer_set_report_fd != nullptr)
      __sanitizer_set_report_fd(reinterpret_cast<void*>(static_cast<intptr_t>(saved_[2])));
  }
  ~Silence() {
    for (const int stream : {0, 1, 2}) {
      ::dup2(saved_[stream], stream);
      ::close(saved_[stream]);
    }
    if (__sanitizer_set_report_fd != nullptr) __sanitizer_set_report_fd(reinterpret_cast<void*>(intptr_t{2}));
  }
  Silence(const Silence&) = delete;
  Silence& operator=(const Silence&) = delete;

 private:
  static int nowhere() {
    static const int fd = ::open("/dev/null", O_RDWR | O_CLOEXEC);
    return fd;
  }
  int saved_[3];
};

std::vector<std::string> arguments_of(std::string_view& text) {
  constexpr size_t kMost = 24;
  std::vector<std::string> out{"snapgauge"};
  while (!text.empty() && out.size() < kMost) {
    std::string word(text.substr(0, text.find('\n')));
    text.remove_prefix(std::min(text.size(), word.size() + 1));
    if (word.empty()) break;
    // Names of files stay in the folder.
    std::replace(word.begin(), word.end(), '/', '_');
    std::replace(word.begin(), word.end(), '\0', '_');
    if (word == "..") word = "input";
    out.push_back(std::move(word));
  }
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const Folder folder;
  std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::vector<std::string> arguments = arguments_of(text);
  folder.fill(text);
  std::vector<const char*> argv;
  for (const std::string& argument : arguments) argv.push_back(argument.c_str());
  argv.push_back(nullptr);
  int code = 0;
  {
    const fs::path before = fs::current_path();  // the fuzzer's own files are named from there
    fs::current_path(folder.path());
    const Silence silence;
    code = snapgauge::cli::run(static_cast<int>(arguments.size()), argv.data());
    fs::current_path(before);
  }
  if (code < 0 || code > 2) __builtin_trap();
  return 0;
}
