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

/// Calls `change(number, payload)` for each length-delimited field with a number in question; where that
/// gives text, it takes the payload's place. Everything else is copied.
template <class Change>
void copy_fields(std::string_view message, std::string& out, const Change& change) {
  pbf_reader fields(message.data(), message.size());
  const char* begin = message.data();
  while (fields.next()) {
    const uint32_t number = fields.tag();
    std::optional<std::string> fresh;
    if (fields.has_wire_type(protozero::pbf_wire_type::length_delimited))
      fresh = change(number, view_of(fields.get_view()));
    else
      fields.skip();
    const char* end = fields.data().data();
    if (fresh)
      pbf_writer(out).add_bytes(number, *fresh);
    else
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
  uint32_t inputs = 0;
  std::map<std::string, int64_t> open = edit.attributes;
  copy_fields(node, out, [&](uint32_t number, std::string_view payload) -> std::optional<std::string> {
    if (number == kInput) {
      const auto it = edit.inputs.find(inputs++);
      return it == edit.inputs.end() ? std::nullopt : std::optional(it->second);
    }
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

std::string edited_graph(std::string_view graph, const ModelEdit& edit) {
  std::string out;
  uint32_t nodes = 0;
  copy_fields(graph, out, [&](uint32_t number, std::string_view payload) -> std::optional<std::string> {
    if (number == kNode) {
      const auto it = edit.nodes.find(nodes++);
      return it == edit.nodes.end() ? std::nullopt : std::optional(edited_node(payload, it->second));
    }
    if (number != kInitializer || edit.replaced.empty()) return std::nullopt;
    const auto it = edit.replaced.find(std::string(text_field(payload, kName)));
    if (it == edit.replaced.end()) return std::nullopt;
    const NewTensor& t = it->second;
    return tensor_message(it->first, text_field(payload, kDoc), t.dtype, t.dims, t.data);
  });
  pbf_writer writer(out);
  for (const auto& [name, tensor] : edit.added)
    writer.add_bytes(kInitializer, tensor_message(name, "", tensor.dtype, tensor.dims, tensor.data));
  return out;
}

}  // namespace

std::string rewritten(std::string_view model, const ModelEdit& edit) {
  std::string out;
  copy_fields(model, out, [&](uint32_t number, std::string_view payload) -> std::optional<std::string> {
    return number == kGraph ? std::optional(edited_graph(payload, edit)) : std::nullopt;
  });
  return out;
}

}  // namespace snapgauge::onnx
