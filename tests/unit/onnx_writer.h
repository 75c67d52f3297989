// Writes small ONNX models for tests, field by field.
#pragma once

#include <cstring>
#include <protozero/pbf_writer.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace snapgauge::onnx_test {

// TensorProto.DataType
enum Type : int32_t {
  kFloat = 1,
  kU8 = 2,
  kI8 = 3,
  kU16 = 4,
  kI16 = 5,
  kI32 = 6,
  kI64 = 7,
  kF16 = 10,
  kF8 = 17,
  kU4 = 21,
  kI4 = 22
};
using Dims = std::vector<int64_t>;

template <class T>
std::string raw(const std::vector<T>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)};
}

/// A TensorProto with raw data.
inline std::string tensor(std::string_view name, int32_t type, const Dims& dims, std::string_view data) {
  std::string out;
  protozero::pbf_writer w(out);
  w.add_packed_int64(1, dims.begin(), dims.end());
  w.add_int32(2, type);
  w.add_string(8, name.data(), name.size());
  w.add_bytes(9, data.data(), data.size());
  return out;
}

/// A TensorProto whose data lie in another file.
inline std::string external_tensor(std::string_view name, int32_t type, const Dims& dims,
                                   const std::vector<std::pair<std::string, std::string>>& entries) {
  std::string out;
  protozero::pbf_writer w(out);
  w.add_packed_int64(1, dims.begin(), dims.end());
  w.add_int32(2, type);
  w.add_string(8, name.data(), name.size());
  for (const auto& [key, value] : entries) {
    protozero::pbf_writer entry(w, 13);
    entry.add_string(1, key);
    entry.add_string(2, value);
  }
  w.add_int32(14, 1);
  return out;
}

class Node {
 public:
  Node(std::string_view op, const std::vector<std::string>& inputs, const std::vector<std::string>& outputs,
       std::string_view name = {}, std::string_view domain = {}) {
    protozero::pbf_writer w(bytes_);
    for (const auto& i : inputs) w.add_string(1, i);
    for (const auto& o : outputs) w.add_string(2, o);
    if (!name.empty()) w.add_string(3, name.data(), name.size());
    w.add_string(4, op.data(), op.size());
    if (!domain.empty()) w.add_string(7, domain.data(), domain.size());
  }

  Node& integer(std::string_view key, int64_t v) {
    return attribute(key, 2, [&](protozero::pbf_writer& a) { a.add_int64(3, v); });
  }
  Node& real(std::string_view key, float v) {
    return attribute(key, 1, [&](protozero::pbf_writer& a) { a.add_float(2, v); });
  }
  Node& text(std::string_view key, std::string_view v) {
    return attribute(key, 3, [&](protozero::pbf_writer& a) { a.add_bytes(4, v.data(), v.size()); });
  }
  Node& tensor(std::string_view key, const std::string& v) {
    return attribute(key, 4, [&](protozero::pbf_writer& a) { a.add_message(5, v); });
  }
  Node& graph(std::string_view key, const std::string& v) {
    return attribute(key, 5, [&](protozero::pbf_writer& a) { a.add_message(6, v); });
  }
  Node& reals(std::string_view key, const std::vector<float>& v) {
    return attribute(key, 6, [&](protozero::pbf_writer& a) {
      for (float f : v) a.add_float(7, f);
    });
  }
  Node& integers(std::string_view key, const Dims& v) {
    return attribute(key, 7, [&](protozero::pbf_writer& a) { a.add_packed_int64(8, v.begin(), v.end()); });
  }

  const std::string& bytes() const { return bytes_; }

 private:
  template <class Write>
  Node& attribute(std::string_view key, int32_t type, Write write) {
    protozero::pbf_writer node(bytes_);
    protozero::pbf_writer a(node, 5);
    a.add_string(1, key.data(), key.size());
    write(a);
    a.add_int32(20, type);
    return *this;
  }
  std::string bytes_;
};

class Model {
 public:
  explicit Model(int64_t opset = 21) : opset_(opset) {}

  Model& node(const Node& n) { return field(1, n.bytes()); }
  Model& initializer(const std::string& t) { return field(5, t); }
  Model& floats(std::string_view name, const Dims& dims, const std::vector<float>& v) {
    return initializer(tensor(name, kFloat, dims, raw(v)));
  }
  Model& input(std::string_view name, int32_t type, const Dims& dims) { return field(11, info(name, type, dims)); }
  Model& output(std::string_view name, int32_t type, const Dims& dims) { return field(12, info(name, type, dims)); }
  Model& field(uint32_t number, const std::string& message) {
    protozero::pbf_writer(graph_).add_message(number, message);
    return *this;
  }

  std::string bytes() const {
    std::string out;
    protozero::pbf_writer w(out);
    w.add_int64(1, 10);
    std::string graph = graph_;
    protozero::pbf_writer(graph).add_string(2, "g");
    w.add_message(7, graph);
    protozero::pbf_writer opset(w, 8);
    opset.add_int64(2, opset_);
    return out;
  }
  const std::string& graph() const { return graph_; }

 private:
  static std::string info(std::string_view name, int32_t type, const Dims& dims) {
    std::string out;
    protozero::pbf_writer w(out);
    w.add_string(1, name.data(), name.size());
    protozero::pbf_writer kinds(w, 2);
    protozero::pbf_writer t(kinds, 1);
    t.add_int32(1, type);
    protozero::pbf_writer shape(t, 2);
    for (int64_t d : dims) {
      protozero::pbf_writer dim(shape, 1);
      if (d >= 0)
        dim.add_int64(1, d);
      else
        dim.add_string(2, "N");
    }
    return out;
  }

  std::string graph_;
  int64_t opset_;
};

}  // namespace snapgauge::onnx_test
