// Every SQL text of the module, and what marks a file as ours. Described in docs/opinfo-schema.md.
#pragma once

#include <cstdint>

#include "opinfo/version.h"

namespace snapgauge::schema {

inline constexpr uint32_t kApplicationId = 0x53474F49;  // "SGOI"
inline constexpr uint32_t kVersion = 2;

/// A version as one number that keeps its order and can be read: 2.25.0 is 2 00025 00000.
constexpr int64_t version_number(SdkVersion v) { return (int64_t{v.major} * 100000 + v.minor) * 100000 + v.patch; }
constexpr SdkVersion version_of(int64_t number) {
  const auto part = [number](int64_t unit) { return static_cast<uint16_t>(number / unit % 100000); };
  return {part(int64_t{100000} * 100000), part(100000), part(1)};
}
inline constexpr int64_t kOpenEnd = INT64_MAX;

extern const char* const kCreate;
/// Takes the rows of all backends out and leaves the op maps, documents and the master definition.
extern const char* const kDropBackends;
extern const char* const kDropMaster;

extern const char* const kInsertDocument;
extern const char* const kInsertSource;
extern const char* const kInsertBackend;
extern const char* const kInsertDtype;
extern const char* const kInsertOp;
extern const char* const kInsertColumn;
extern const char* const kInsertVariant;
extern const char* const kInsertVariantDtype;
extern const char* const kInsertConstraint;
extern const char* const kInsertConstraintConfig;
extern const char* const kInsertPort;
extern const char* const kInsertSupported;
extern const char* const kInsertFrameworkOp;
extern const char* const kInsertOpMap;
extern const char* const kInsertStored;

extern const char* const kSelectBackends;
extern const char* const kSelectPageSdks;
extern const char* const kHasTable;
extern const char* const kSelectOpNames;
extern const char* const kSelectAllOpNames;
extern const char* const kSelectTurns;
extern const char* const kSelectOp;
extern const char* const kSelectColumns;
extern const char* const kSelectVariants;
extern const char* const kSelectVariantDtypes;
extern const char* const kSelectConstraints;
extern const char* const kSelectConstraintConfigs;
extern const char* const kSelectMaster;
extern const char* const kSelectPorts;
extern const char* const kSelectOpMap;
extern const char* const kSelectOpMapNames;
extern const char* const kSelectStoredNames;
extern const char* const kSelectStored;
extern const char* const kSelectNextIds;

}  // namespace snapgauge::schema
