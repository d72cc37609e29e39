//===- SpirvWords.cpp - A SPIR-V module as words ---------------------------------===//

#include "codegen/gpu/SpirvWords.h"

using namespace mlir;

namespace gradus {

static constexpr uint32_t magic = 0x07230203, version = 0x00010500; // SPIR-V 1.5 is what Vulkan 1.2 takes

/// A string as an operand: zero-terminated, padded to whole words.
static void appendText(llvm::SmallVectorImpl<uint32_t> &words, StringRef text) {
  for (size_t at = 0; at <= text.size(); at += 4) {
    uint32_t word = 0;
    for (size_t i = at; i < std::min(at + 4, text.size()); ++i)
      word |= uint32_t(static_cast<unsigned char>(text[i])) << (8 * (i - at));
    words.push_back(word);
  }
}

void SpirvWords::append(Section &section, Opcode opcode, Ids operands) {
  section.push_back(uint32_t(operands.size() + 1) << 16 | static_cast<uint32_t>(opcode));
  section.append(operands.begin(), operands.end());
}

void SpirvWords::addEntryPoint(StringRef name, Id function, Ids interface, uint32_t groupSize) {
  SmallVector<uint32_t> operands = {static_cast<uint32_t>(spirv::ExecutionModel::GLCompute), function};
  appendText(operands, name);
  operands.append(interface.begin(), interface.end());
  append(entryPoints, Opcode::OpEntryPoint, operands);
  append(executionModes, Opcode::OpExecutionMode, {function, static_cast<uint32_t>(spirv::ExecutionMode::LocalSize), groupSize, 1, 1});
}

void SpirvWords::addString(StringRef text) {
  SmallVector<uint32_t> operands = {newId()};
  appendText(operands, text);
  append(strings, Opcode::OpString, operands);
}

void SpirvWords::decorate(Id target, spirv::Decoration decoration, Ids operands) {
  SmallVector<uint32_t> all = {target, static_cast<uint32_t>(decoration)};
  all.append(operands.begin(), operands.end());
  append(decorations, Opcode::OpDecorate, all);
}

void SpirvWords::decorateMember(Id structure, uint32_t member, spirv::Decoration decoration, Ids operands) {
  SmallVector<uint32_t> all = {structure, member, static_cast<uint32_t>(decoration)};
  all.append(operands.begin(), operands.end());
  append(decorations, Opcode::OpMemberDecorate, all);
}

/// A type has its result first, a constant after its type, which is the first operand here.
Id SpirvWords::unique(Opcode opcode, Ids operands, bool hasType) {
  std::vector<uint32_t> key = {static_cast<uint32_t>(opcode)};
  key.insert(key.end(), operands.begin(), operands.end());
  auto [found, isNew] = known.try_emplace(key, 0);
  if (!isNew)
    return found->second;
  found->second = newId();
  SmallVector<uint32_t> all(operands);
  all.insert(all.begin() + (hasType ? 1 : 0), found->second);
  append(globals, opcode, all);
  return found->second;
}

Id SpirvWords::type(Opcode opcode, Ids operands) { return unique(opcode, operands, /*hasType=*/false); }

Id SpirvWords::pointer(spirv::StorageClass storage, Id pointee) {
  return type(Opcode::OpTypePointer, {static_cast<uint32_t>(storage), pointee});
}

Id SpirvWords::constant(Opcode opcode, Id type, Ids operands) {
  SmallVector<uint32_t> all = {type};
  all.append(operands.begin(), operands.end());
  return unique(opcode, all, /*hasType=*/true);
}

Id SpirvWords::global(Opcode opcode, Id type, Ids operands) {
  SmallVector<uint32_t> all = {type, newId()};
  all.append(operands.begin(), operands.end());
  append(globals, opcode, all);
  return all[1];
}

Id SpirvWords::beginFunction(Id result, Id type, Ids parameterTypes, llvm::SmallVectorImpl<Id> &parameters) {
  Function function;
  Id id = newId();
  append(function.head, Opcode::OpFunction, {result, id, /*control=*/0, type});
  for (Id parameterType : parameterTypes) {
    parameters.push_back(newId());
    append(function.head, Opcode::OpFunctionParameter, {parameterType, parameters.back()});
  }
  function.block = newId();
  append(function.head, Opcode::OpLabel, {function.block});
  functions.push_back(std::move(function));
  return id;
}

void SpirvWords::endFunction() {
  Function function = std::move(functions.back());
  functions.pop_back();
  for (const Section &part : {function.head, function.variables, function.body})
    finished.append(part.begin(), part.end());
  append(finished, Opcode::OpFunctionEnd, {});
}

Id SpirvWords::localVariable(Id pointerType) {
  Id id = newId();
  append(functions.back().variables, Opcode::OpVariable, {pointerType, id, static_cast<uint32_t>(spirv::StorageClass::Function)});
  return id;
}

Id SpirvWords::emit(Opcode opcode, Id type, Ids operands) {
  SmallVector<uint32_t> all = {type, newId()};
  all.append(operands.begin(), operands.end());
  append(functions.back().body, opcode, all);
  return all[1];
}

void SpirvWords::emitPlain(Opcode opcode, Ids operands) { append(functions.back().body, opcode, operands); }

Id SpirvWords::extendedSet() {
  if (!extended)
    extended = newId();
  return extended;
}

Id SpirvWords::emitExtended(Id type, uint32_t number, Ids operands) {
  SmallVector<uint32_t> all = {extendedSet(), number};
  all.append(operands.begin(), operands.end());
  return emit(Opcode::OpExtInst, type, all);
}

void SpirvWords::startBlock(Id label) {
  append(functions.back().body, Opcode::OpLabel, {label});
  functions.back().block = label;
}

llvm::SmallVector<uint32_t, 0> SpirvWords::assemble() const {
  Section words = {magic, version, /*generator=*/0, bound, /*schema=*/0};
  for (uint32_t capability : capabilities)
    append(words, Opcode::OpCapability, {capability});
  if (extended) {
    SmallVector<uint32_t> operands = {extended};
    appendText(operands, "GLSL.std.450");
    append(words, Opcode::OpExtInstImport, operands);
  }
  append(words, Opcode::OpMemoryModel,
         {static_cast<uint32_t>(spirv::AddressingModel::PhysicalStorageBuffer64), static_cast<uint32_t>(spirv::MemoryModel::GLSL450)});
  for (const Section *section : {&entryPoints, &executionModes, &strings, &decorations, &globals, &finished})
    words.append(section->begin(), section->end());
  return words;
}

} // namespace gradus
