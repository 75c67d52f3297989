// protozero with wire types checked: what it would only assert becomes a Failure.
#pragma once

#include <fmt/format.h>

#include <protozero/pbf_reader.hpp>
#include <string_view>

#include "formats/onnx/model.h"

namespace snapgauge::onnx {

class Fields {
 public:
  explicit Fields(std::string_view message) : reader_(message.data(), message.size()) {}

  bool next() { return reader_.next(); }
  uint32_t number() const { return reader_.tag(); }
  void skip() { reader_.skip(); }

  std::string_view bytes() {
    expect(protozero::pbf_wire_type::length_delimited);
    const auto view = reader_.get_view();
    return {view.data(), view.size()};
  }
  int64_t integer() {
    expect(protozero::pbf_wire_type::varint);
    return reader_.get_int64();
  }
  float real() {
    expect(protozero::pbf_wire_type::fixed32);
    return reader_.get_float();
  }

  /// Repeated numbers, packed or one by one.
  template <class Add>
  void integers(Add add) {
    if (!packed()) return add(integer());
    for (const int64_t v : reader_.get_packed_int64()) add(v);
  }
  template <class Add>
  void reals(Add add) {
    if (!packed()) return add(real());
    for (const float v : reader_.get_packed_float()) add(v);
  }
  template <class Add>
  void doubles(Add add) {
    if (packed()) {
      for (const double v : reader_.get_packed_double()) add(v);
    } else {
      expect(protozero::pbf_wire_type::fixed64);
      add(reader_.get_double());
    }
  }

 private:
  bool packed() const { return reader_.has_wire_type(protozero::pbf_wire_type::length_delimited); }

  void expect(protozero::pbf_wire_type type) const {
    if (!reader_.has_wire_type(type))
      fail(ErrorCode::kParse, fmt::format("field {} has wire type {} instead of {}", number(),
                                          static_cast<unsigned>(reader_.wire_type()), static_cast<unsigned>(type)));
  }

  protozero::pbf_reader reader_;
};

}  // namespace snapgauge::onnx
