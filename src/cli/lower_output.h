// What `lower` and `inspect` show: how a graph was divided, what it costs, what an artifact holds.
#pragma once

#include <string>
#include <vector>

#include "api/lowering.h"
#include "report/json_parts.h"

namespace snapgauge::cli {

/// Partitions, what falls back and why, tensors that cross, estimates. `vtcm_bytes`: of the SoC; 0: it has none.
std::string partition_text(const PartitionReport& parts);
Json partition_json(const PartitionReport& parts);

/// "partition 0: 12.3 million MACs ...", a line a part.
std::string cost_text(const Plan& plan, uint64_t vtcm_bytes);
Json cost_json(const Plan& plan, uint64_t vtcm_bytes);

std::string artifact_text(const ReadArtifact& read, const std::string& path);
Json artifact_json(const ReadArtifact& read);

}  // namespace snapgauge::cli
