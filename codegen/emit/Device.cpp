//===- Device.cpp - The kernels of an artifact's entries on devices -------------===//

#include "codegen/emit/Device.h"

#include "passes/gpu/Gpu.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/IR/Constants.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/Instructions.h"
#include "llvm/IR/IntrinsicInst.h"
#include "llvm/IR/Module.h"
#include "llvm/Support/raw_ostream.h"
#include "llvm/Support/xxhash.h"

#include <cstddef>

using namespace llvm;

namespace gradus {

static_assert(sizeof(gradus_device_image) == 24 && sizeof(gradus_device_module) == 32);

uint64_t DeviceCode::getContent() const {
  std::string text;
  for (const DeviceImage &image : images)
    text += getImageName(image.kind).str() + " " + std::to_string(image.architecture) + " " + std::to_string(image.bytes.size()) + "\n" + image.bytes;
  for (const std::string &kernel : kernels)
    text += kernel + "\n";
  return xxh3_64bits(text);
}

StringRef getImageName(gradus_image_kind kind) { return kind == GRADUS_IMAGE_SPIRV ? "spirv" : kind == GRADUS_IMAGE_PTX ? "ptx" : "cubin"; }
StringRef getDeviceSuffix(gradus_device_type type) { return type == GRADUS_CUDA ? "_cuda" : type == GRADUS_VULKAN ? "_vulkan" : ""; }
StringRef getDeviceName(gradus_device_type type) { return type == GRADUS_CPU ? "cpu" : getDeviceSuffix(type).drop_front(); }

ArrayRef<gradus_device_type> getDeviceTypes() {
  static constexpr gradus_device_type types[] = {GRADUS_CUDA, GRADUS_VULKAN};
  return types;
}

//===----------------------------------------------------------------------===//
// The table
//===----------------------------------------------------------------------===//

static GlobalVariable *makePrivate(Module &module, Constant *value, const Twine &name, Align alignment) {
  auto *global = new GlobalVariable(module, value->getType(), /*isConstant=*/true, GlobalValue::PrivateLinkage, value, name);
  global->setAlignment(alignment);
  return global;
}

/// Constants of a struct's fields, for a pointer-sized target.
static Constant *makeImage(Module &module, const DeviceImage &image) {
  LLVMContext &context = module.getContext();
  // PTX ends with a NUL, and SPIR-V is words; 64 bytes are what a driver's loader likes.
  Constant *bytes = ConstantDataArray::getString(context, image.bytes, /*AddNull=*/image.kind == GRADUS_IMAGE_PTX);
  uint64_t const size = image.bytes.size() + (image.kind == GRADUS_IMAGE_PTX);
  auto number = [&](int64_t value, unsigned bits) { return ConstantInt::get(Type::getIntNTy(context, bits), value, /*IsSigned=*/true); };
  return ConstantStruct::getAnon({number(image.kind, 32), number(image.architecture, 32),
                                  makePrivate(module, bytes, "gradus.image." + getImageName(image.kind), Align(64)), number(size, 64)});
}

static Constant *makeArray(Module &module, ArrayRef<Constant *> values, const Twine &name) {
  auto *type = llvm::ArrayType::get(values.front()->getType(), values.size());
  return makePrivate(module, ConstantArray::get(type, values), name, Align(8));
}

bool addDeviceTable(Module &module, const DeviceCode &code, std::string &error) {
  GlobalVariable *declared = module.getGlobalVariable(deviceTableName, /*AllowInternal=*/true);
  if (declared && !declared->isDeclaration()) {
    error = "internal: the device's table is there already";
    return false;
  }
  LLVMContext &context = module.getContext();
  SmallVector<Constant *> images, kernels;
  for (const DeviceImage &image : code.images)
    images.push_back(makeImage(module, image));
  for (const std::string &kernel : code.kernels)
    kernels.push_back(makePrivate(module, ConstantDataArray::getString(context, kernel), "gradus.text", Align(1)));
  if (images.empty() || kernels.empty()) {
    error = "internal: there is no kernel to embed";
    return false;
  }
  auto number = [&](uint64_t value, unsigned bits) { return ConstantInt::get(Type::getIntNTy(context, bits), value); };
  Constant *value = ConstantStruct::getAnon({number(code.getContent(), 64), number(images.size(), 32), number(kernels.size(), 32),
                                             makeArray(module, images, "gradus.images"), makeArray(module, kernels, "gradus.kernels")});
  auto *table = new GlobalVariable(module, value->getType(), /*isConstant=*/true, GlobalValue::InternalLinkage, value);
  table->setAlignment(Align(8));
  if (declared) {
    declared->replaceAllUsesWith(table);
    declared->eraseFromParent();
  }
  table->setName(deviceTableName);
  return true;
}

//===----------------------------------------------------------------------===//
// What a graph can record
//===----------------------------------------------------------------------===//

/// Whether the function that is called is a hook: what was loaded from its place in a struct.
static bool isHook(const Value *callee) {
  auto *load = dyn_cast<LoadInst>(callee);
  if (!load)
    return false;
  APInt offset(64, 0);
  load->getPointerOperand()->stripAndAccumulateConstantOffsets(load->getModule()->getDataLayout(), offset, /*AllowNonInbounds=*/true);
  return llvm::any_of(ArrayRef<size_t>{offsetof(gradus_device, dispatch), offsetof(gradus_device, product), offsetof(gradus_device, update)},
                      [&](size_t hook) { return offset == hook; });
}

/// What keeps an instruction from being recorded, or empty. `calls` gets the functions that it calls.
static std::string findObstacle(const Instruction &instruction, SetVector<const Function *> &calls) {
  if (isa<IntToPtrInst>(instruction))
    return "follows an address of the device"; // tensors and workspace come as integers
  auto *call = dyn_cast<CallBase>(&instruction);
  if (!call || isa<IntrinsicInst>(call))
    return "";
  const Function *callee = call->getCalledFunction();
  if (!callee)
    return isHook(call->getCalledOperand()) ? "" : "calls what is no hook of the device";
  if (callee->isDeclaration())
    return "calls '" + callee->getName().str() + "'";
  calls.insert(callee);
  return "";
}

bool proveCapturable(const Module &module, ArrayRef<std::string> names, std::string &error) {
  SetVector<const Function *> functions;
  for (const std::string &name : names) {
    const Function *function = module.getFunction(name);
    if (!function || function->isDeclaration()) {
      error = "internal: the host program does not define '" + name + "'";
      return false;
    }
    functions.insert(function);
  }
  for (size_t next = 0; next < functions.size(); ++next)
    for (const Instruction &instruction : instructions(*functions[next]))
      if (std::string obstacle = findObstacle(instruction, functions); !obstacle.empty()) {
        error = "internal: '" + functions[next]->getName().str() + "' " + obstacle;
        return false;
      }
  return true;
}

} // namespace gradus
