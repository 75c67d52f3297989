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
  void read_table(const JsonValue& table);
  /// REF of the format: null, an index into "specs", a spec, {"shared": ..} or {"derived": ..}.
  SpecRef ref(const JsonValue& v);
  DType dtype(const JsonValue& at, std::string_view name) const;

 private:
  Spec read_spec(const JsonValue& v) const;
  void read_observer(const JsonValue& observer, Spec& spec) const;
  void read_block(const JsonValue& v, Spec& spec) const;
  void read_parameters(const JsonValue& v, Spec& spec) const;
  SpecRef read_place(const JsonValue& v);
  SpecRef read_derived(const JsonValue& v);

  GraphBuilder& builder_;
  AnnotationSites* sites_;
  std::vector<SpecRef> specs_;
};

}  // namespace snapgauge
