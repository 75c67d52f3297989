// Within formats: the quantization specs of annotation files, and references to them.
#pragma once

#include <vector>

#include "formats/json/members.h"
#include "formats/sgraph/reader.h"
#include "graph/builder.h"

namespace snapgauge {

constexpr uint32_t kMostDimensions = 32;  // of a tensor or a block

class AnnotatedSpecs : JsonMembers {
 public:
  AnnotatedSpecs(const JsonDocument& document, GraphBuilder& builder, AnnotationSites* sites)
      : JsonMembers(document), builder_(builder), sites_(sites) {}

  /// The file's table, before any reference to it.
  void read_table(JsonValue table);
  /// REF of the format: null, an index into "specs", a spec, {"shared": ..} or {"derived": ..}.
  SpecRef ref(JsonValue v);
  /// Called `name` by the file, at `at`.
  DType dtype(JsonValue at, std::string_view name);

 private:
  /// Of a spec that is written so: what was read in the same words before is the same.
  SpecRef spec(JsonValue v, std::string_view words);
  Spec read_spec(JsonValue v);
  void read_observer(JsonValue observer, Spec& spec) const;
  void read_block(JsonValue v, Spec& spec) const;
  void read_parameters(JsonValue scale, JsonValue zero_point, Spec& spec) const;
  SpecRef read_place(JsonValue v);
  SpecRef read_derived(JsonValue v);

  GraphBuilder& builder_;
  AnnotationSites* sites_;
  std::vector<SpecRef> specs_;  // the table
  Interner words_;              // of the others
  std::vector<SpecId> read_;    // by words
  std::vector<SpecRef> sources_;
  std::pair<std::string_view, DType> last_dtype_;  // it is often the next one's, too
};

}  // namespace snapgauge
