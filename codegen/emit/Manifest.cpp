//===- Manifest.cpp - spec.json: the entry points as data -------------------------===//
//
// The fields are explained in this folder's README.md. Numbers are the shortest that read back the same; infinities are null.
//
//===----------------------------------------------------------------------===//

#include "codegen/emit/Version.h"
#include "codegen/emit/Writers.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Config/llvm-config.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/raw_ostream.h"

#include <cmath>

using namespace llvm;

namespace gradus {

static void writeNumber(json::OStream &out, StringRef key, std::optional<double> value) {
  out.attributeBegin(key);
  if (value && std::isfinite(*value))
    out.rawValue(formatNumber(*value));
  else
    out.value(nullptr);
  out.attributeEnd();
}

static void writeHyper(json::OStream &out, const EntryHyper &hyper, StringRef member) {
  HyperInterval interval = getInterval(hyper);
  out.object([&] {
    out.attribute("name", json::fixUTF8(hyper.name));
    out.attribute("member", member);
    out.attribute("type", hyper.isBool ? "bool" : hyper.isInteger ? "int" : "real");
    writeNumber(out, "default", toNumber(hyper.initial));
    out.attributeObject("interval", [&] {
      writeNumber(out, "low", interval.low);
      out.attribute("low_closed", interval.lowClosed);
      writeNumber(out, "high", interval.high);
      out.attribute("high_closed", interval.highClosed);
    });
  });
}

static void writeTensor(json::OStream &out, const EntryTensor &tensor, StringRef member, std::optional<double> initial) {
  out.object([&] {
    out.attribute("name", json::fixUTF8(tensor.name));
    out.attribute("member", member);
    out.attribute("role", getRoleName(tensor.role));
    out.attribute("dtype", gradus_dtype_name(tensor.dtype));
    if (tensor.rank < 0)
      out.attribute("rank", nullptr);
    else
      out.attribute("rank", tensor.rank);
    out.attributeArray("shape", [&] {
      for (mlir::Attribute dim : tensor.dims) {
        if (auto symbol = dyn_cast<mlir::StringAttr>(dim))
          out.value(json::fixUTF8(symbol.getValue()));
        else
          out.value(cast<mlir::IntegerAttr>(dim).getInt());
      }
    });
    out.attribute("written", tensor.written);
    if (tensor.shared)
      out.attribute("shared", true);
    if (tensor.optional)
      out.attribute("optional", true);
    if (tensor.initial)
      writeNumber(out, "default", tensor.initial);
    if (tensor.role == GRADUS_STATE)
      writeNumber(out, "initial", initial);
  });
}

/// The kernels that all entries of devices share.
static void writeDeviceCode(json::OStream &out, const DeviceCode &code) {
  out.object([&] {
    out.attribute("content", "0x" + utohexstr(code.getContent(), /*LowerCase=*/true, /*Width=*/16));
    out.attribute("kernels", code.kernels.size());
    out.attributeArray("images", [&] {
      for (const DeviceImage &image : code.images)
        out.object([&] {
          out.attribute("kind", getImageName(image.kind));
          if (image.architecture == 0)
            out.attribute("architecture", nullptr);
          else
            out.attribute("architecture", "sm_" + std::to_string(image.architecture));
          out.attribute("bytes", image.bytes.size());
        });
    });
  });
}

static void writeEntry(json::OStream &out, const ArtifactEntry &entry) {
  const EntryLayout &layout = entry.layout;
  out.object([&] {
    out.attribute("name", json::fixUTF8(layout.name));
    out.attribute("symbol", entry.symbol);
    out.attribute("kind", stringifyFuncKind(layout.kind));
    out.attribute("doc", json::fixUTF8(entry.doc));
    out.attribute("takes_time", layout.takesTime);
    out.attribute("open", layout.isOpen);
    out.attribute("reports_value", layout.valueResult >= 0);
    if (entry.initSymbol.empty())
      out.attribute("init", nullptr);
    else
      out.attribute("init", entry.initSymbol);
    if (!entry.devices.empty())
      out.attributeArray("devices", [&] {
        for (gradus_device_type type : entry.devices)
          out.object([&] {
            out.attribute("device", getDeviceName(type));
            out.attribute("symbol", entry.getSymbol(type));
            out.attribute("graph_capturable", true); // proveCapturable has passed, or there is no artifact
          });
      });
    out.attributeArray("symbols", [&] {
      for (mlir::StringAttr symbol : layout.symbols)
        out.value(json::fixUTF8(symbol.getValue()));
    });
    out.attributeArray("hyper", [&] {
      for (auto [hyper, member] : zip(layout.hypers, entry.hyperMembers))
        writeHyper(out, hyper, member);
    });
    out.attributeArray("arguments", [&] {
      for (auto [tensor, member, initial] : zip(layout.tensors, entry.tensorMembers, entry.initial))
        writeTensor(out, tensor, member, initial);
    });
  });
}

std::string renderManifest(const Artifact &artifact) {
  std::string text;
  raw_string_ostream os(text);
  json::OStream out(os, 2);
  out.object([&] {
    out.attribute("schema", manifestSchemaVersion);
    out.attribute("gradus", gradusVersion);
    out.attribute("llvm", LLVM_VERSION_STRING);
    out.attribute("abi", GRADUS_ABI_VERSION);
    out.attribute("spec", json::fixUTF8(artifact.options.name));
    out.attribute("prefix", artifact.options.prefix);
    out.attribute("flags", artifact.options.flags);
    out.attributeArray("targets", [&] {
      for (const std::string &target : artifact.options.targets)
        out.value(target);
    });
    // As text: JSON's numbers do not hold 64 bits in every reader.
    out.attribute("content", "0x" + utohexstr(artifact.content, /*LowerCase=*/true, /*Width=*/16));
    if (!artifact.device.images.empty()) {
      out.attributeBegin("device_code");
      writeDeviceCode(out, artifact.device);
      out.attributeEnd();
    }
    out.attributeArray("entries", [&] {
      for (const ArtifactEntry &entry : artifact.entries)
        writeEntry(out, entry);
    });
  });
  os << '\n';
  return text;
}

} // namespace gradus
