//===- Table.cpp - gradus --commands ---------------------------------------------===//

#include "codegen/driver/Commands.h"
#include "codegen/driver/Completion.h"

#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/JSON.h"

using namespace llvm;

namespace gradus::driver {

static StringRef nameOf(Accepts accepts) {
  switch (accepts) {
  case Accepts::Nothing:
    return "nothing";
  case Accepts::Text:
    return "text";
  case Accepts::Word:
    return "word";
  case Accepts::Words:
    return "words";
  case Accepts::File:
    return "file";
  case Accepts::Folder:
    return "folder";
  case Accepts::Command:
    return "command";
  }
  llvm_unreachable("all cases return");
}

static json::Value toJson(const ArgumentSpec &argument) {
  json::Array words;
  for (StringRef word : splitWords(argument))
    words.push_back(word);
  return json::Object{{"text", argument.text}, {"accepts", nameOf(argument.accepts)}, {"words", std::move(words)}};
}

static json::Value toJson(const CommandSpec &command, const OptionSpec &option) {
  json::Object row{{"name", option.name}, {"argument", toJson(option.argument)}, {"help", option.help}, {"often", option.isOften},
                   {"example", getExample(command, option)}};
  if (!option.initial.empty())
    row["default"] = option.initial;
  if (!option.otherwise.empty())
    row["default_in_words"] = option.otherwise;
  return row;
}

void printTable(raw_ostream &os) {
  json::Array commands;
  for (const CommandSpec &command : getCommands()) {
    json::Array rows;
    for (const OptionSpec &option : getOptionsWithHelp(command))
      rows.push_back(toJson(command, option));
    commands.push_back(json::Object{{"name", command.name},
                                    {"summary", command.summary},
                                    {"inputs", toJson(command.inputs)},
                                    {"options", std::move(rows)},
                                    {"example", ("gradus " + command.example).str()},
                                    {"start", ("gradus " + command.name + " " + command.start).str()},
                                    {"details", command.details}});
  }
  json::Array tool;
  for (const ToolOption &one : getToolOptions())
    tool.push_back(json::Object{{"name", one.option.name}, {"help", one.option.help}});
  os << formatv("{0:2}", json::Value(json::Object{{"schema", 1}, {"commands", std::move(commands)}, {"options", std::move(tool)}})) << '\n';
}

} // namespace gradus::driver
