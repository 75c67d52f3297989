// A lowered model as a file (*.sgb): everything that running it takes, nothing of rules, tables or formats.
//
//   header      magic, version, where the two sections lie, how long they are, a hash of each and of the header
//   structure   a flatbuffer (artifact.fbs): target, options, and of each graph its buffers and steps
//   weights     the bytes of constants, each once whichever graphs read it, at multiples of 64
//   signature   not always; see signing.h. It covers all bytes in front of it.
//
// All numbers are little endian. Nothing is used before its hash is right and every plan is verified, so an artifact
// that was cut off, altered or made by somebody else is one error and no more.
//
// Values own what they say; plans that were read view the file, which they keep alive. Reading is thread safe.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "plan/plan.h"
#include "signing/signing.h"

namespace snapgauge {

struct ArtifactGraph {
  std::string name;                     // "forward"
  std::string source;                   // the model's file name, without its folder
  std::string backend_graph;            // as text, see OpGraph
  std::vector<std::string> falls_back;  // nodes that the backend does not run
  Plan plan;                            // split, not laid out
};

struct Artifact {
  std::string tool_version;
  std::string mode;                                          // "strict", "warn" or "border-fallback"
  std::string backend, soc, arch, sdk, pipeline;             // what it was lowered for
  uint32_t vtcm_mb = 0;                                      // of the SoC
  std::vector<std::pair<std::string, std::string>> options;  // set when it was lowered
  std::vector<ArtifactGraph> graphs;                         // at least one; each with a name of its own
};

/// Where the parts of a file lie, and what they have in common.
struct ArtifactLayout {
  uint64_t structure_offset = 0, structure_bytes = 0, structure_hash = 0;
  uint64_t weights_offset = 0, weights_bytes = 0, weights_hash = 0;
  uint64_t constants = 0, constant_bytes = 0;  // as the graphs read them; more than weights_bytes where they share
  std::optional<Signature> signature;
};

/// Written by temporary and rename. Same artifact, same bytes.
Status write_artifact(const std::string& path, const Artifact& artifact);

struct ReadArtifact {
  Artifact artifact;
  ArtifactLayout layout;
};
/// `trusted`: refuses what this key did not sign.
Result<ReadArtifact> read_artifact(const std::string& path, const PublicKey* trusted = nullptr);

/// The same of bytes in memory, which `holder` keeps. `name`: for errors.
Result<ReadArtifact> parse_artifact(std::string_view bytes, const std::shared_ptr<const void>& holder,
                                    const std::string& name, const PublicKey* trusted = nullptr);

/// Whether a file begins as an artifact does.
bool is_artifact(const std::string& path);

/// Adds a signature, or replaces the one that is there; the artifact itself is verified first. To `to` when it is not
/// empty.
Status sign_artifact(const std::string& path, const SecretKey& key, const std::string& to = {});

}  // namespace snapgauge
