#include "formats/onnx/rewrite.h"

#include <protozero/pbf_reader.hpp>
#include <protozero/pbf_writer.hpp>

#include "formats/onnx/messages.h"
#include "formats/onnx/model.h"

namespace snapgauge::onnx {
namespace {

using protozero::pbf_reader;
using protozero::pbf_writer;

std::string_view view_of(protozero::data_view view) { return {view.data(), view.size()}; }

/// What becomes of a field: it stays, gets another payload, or goes.
struct Fate {
  std::optional<std::string> fresh;
  bool dropped = false;

  Fate(std::nullopt_t) {}                                   // NOLINT: implicit by design
  Fate(std::string payload) : fresh(std::move(payload)) {}  // NOLINT: implicit by design
  static Fate drop() {
    Fate out(std::nullopt);
    out.dropped = true;
    return out;
  }
};

/// Asks `change(number, payload)` about each length-delimited field. Everything else is copied.
template <class Change>
void copy_fields(std::string_view message, std::string& out, const Change& change) {
  pbf_reader fields(message.data(), message.size());
  const char* begin = message.data();
  while (fields.next()) {
    const uint32_t number = fields.tag();
    Fate fate = std::nullopt;
    if (fields.has_wire_type(protozero::pbf_wire_type::length_delimited))
      fate = change(number, view_of(fields.get_view()));
    else
      fields.skip();
    const char* end = fields.data().data();
    if (fate.fresh)
      pbf_writer(out).add_bytes(number, *fate.fresh);
    else if (!fate.dropped)
      out.append(begin, end);
    begin = end;
  }
}

std::string_view text_field(std::string_view message, uint32_t number) {
  std::string_view text;
  pbf_reader fields(message.data(), message.size());
  while (fields.next())
    if (fields.tag() == number && fields.has_wire_type(protozero::pbf_wire_type::length_delimited))
      text = view_of(fields.get_view());
    else
      fields.skip();
  return text;
}

std::string edited_node(std::string_view node, const NodeEdit& edit) {
  std::string out;
  uint32_t inputs = 0, outputs = 0;
  std::map<std::string, int64_t> open = edit.attributes;
  const auto named = [](const std::map<uint32_t, std::string>& names, uint32_t position) -> Fate {
    const auto it = names.find(position);
    return it == names.end() ? Fate(std::nullopt) : Fate(it->second);
  };
  copy_fields(node, out, [&](uint32_t number, std::string_view payload) -> Fate {
    if (number == kInput) return named(edit.inputs, inputs++);
    if (number == kOutput) return named(edit.outputs, outputs++);
    if (number != kAttribute) return std::nullopt;
    const auto it = edit.attributes.find(std::string(text_field(payload, kAttributeName)));
    if (it == edit.attributes.end()) return std::nullopt;
    open.erase(it->first);
    return integer_attribute(it->first, it->second);
  });
  pbf_writer writer(out);
  for (auto it = edit.inputs.lower_bound(inputs); it != edit.inputs.end(); ++it) {
    for (; inputs < it->first; ++inputs) writer.add_bytes(kInput, "", 0);
    writer.add_bytes(kInput, it->second);
    ++inputs;
  }
  for (const auto& [name, value] : open) writer.add_bytes(kAttribute, integer_attribute(name, value));
  return out;
}

/// A ValueInfoProto with another type of elements.
std::string retyped(std::string_view info, DType dtype) {
  std::string out;
  copy_fields(info, out, [&](uint32_t number, std::string_view type) -> Fate {
    if (number != kInfoType) return std::nullopt;
    std::string holder;
    copy_fields(type, holder, [&](uint32_t kind, std::string_view tensor) -> Fate {
      if (kind != kTensorType) return std::nullopt;
      std::string fresh(tensor);  // of a field that is there twice the last one counts
      pbf_writer(fresh).add_int32(kElementType, type_number(dtype));
      return fresh;
    });
    return holder;
  });
  return out;
}

Fate fate_of_info(uint32_t number, std::string_view info, const ModelEdit& edit) {
  const std::string_view name = text_field(info, kInfoName);
  if (number == kValueInfo) return edit.untyped.contains(name) ? Fate::drop() : std::nullopt;
  if (number == kGraphInput && edit.dropped_tensors.contains(name)) return Fate::drop();
  const auto it = edit.retyped.find(name);
  return it == edit.retyped.end() ? Fate(std::nullopt) : Fate(retyped(info, it->second));
}

Fate fate_of_initializer(std::string_view tensor, const ModelEdit& edit) {
  if (edit.replaced.empty() && edit.dropped_tensors.empty()) return std::nullopt;
  const std::string_view name = text_field(tensor, kName);
  if (edit.dropped_tensors.contains(name)) return Fate::drop();
  const auto it = edit.replaced.find(std::string(name));
  if (it == edit.replaced.end()) return std::nullopt;
  const NewTensor& t = it->second;
  return tensor_message(it->first, text_field(tensor, kDoc), t.dtype, t.dims, t.data);
}

Fate fate_of_node(uint32_t index, std::string_view node, const ModelEdit& edit) {
  if (edit.dropped.contains(index)) return Fate::drop();
  const auto it = edit.nodes.find(index);
  return it == edit.nodes.end() ? Fate(std::nullopt) : Fate(edited_node(node, it->second));
}

std::string copying_node(const std::string& from, const std::string& to) {
  std::string out;
  pbf_writer writer(out);
  writer.add_bytes(kInput, from);
  writer.add_bytes(kOutput, to);
  writer.add_string(kOpType, "Identity");
  return out;
}

std::string edited_graph(std::string_view graph, const ModelEdit& edit) {
  std::string out;
  uint32_t nodes = 0;
  copy_fields(graph, out, [&](uint32_t number, std::string_view payload) -> Fate {
    switch (number) {
      case kNode: return fate_of_node(nodes++, payload, edit);
      case kInitializer: return fate_of_initializer(payload, edit);
      case kGraphInput:
      case kGraphOutput:
      case kValueInfo: return fate_of_info(number, payload, edit);
      default: return std::nullopt;
    }
  });
  pbf_writer writer(out);
  for (const auto& [from, to] : edit.copies) writer.add_bytes(kNode, copying_node(from, to));
  for (const auto& [name, tensor] : edit.added)
    writer.add_bytes(kInitializer, tensor_message(name, "", tensor.dtype, tensor.dims, tensor.data));
  return out;
}

}  // namespace

std::string rewritten(std::string_view model, const ModelEdit& edit) {
  std::string out;
  copy_fields(model, out, [&](uint32_t number, std::string_view payload) -> Fate {
    return number == kGraph ? Fate(edited_graph(payload, edit)) : Fate(std::nullopt);
  });
  return out;
}

}  // namespace snapgauge::onnx
