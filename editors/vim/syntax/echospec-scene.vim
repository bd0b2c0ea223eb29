" Vim syntax file: scenes of echospec. Made from the list of steps by `cargo test --test docs`.
if exists("b:current_syntax")
  finish
endif
syntax iskeyword @,48-57,_,45
syntax keyword sceneKeyword TIME_WAIT a accepts again all as at blocked by byte child clients closes command connect connection connections connects descriptors direction each end ends exchanges exists exits fails file for from frozen gets given gone half has idle in include is its killed left limit listens many mark message no nothing of offset parameter pattern peer prints processes processor protocol read receives refused refuses removed repeat reply request reset resets rest runs second sends sent server socket start started starts that thawed the time to together transport until up urgent uses with within zombie
syntax match sceneNumber "\<[0-9][0-9,.]*\(ms\|s\|min\)\?\>"
syntax match sceneSignal "\<SIG[A-Z0-9]\+\>"
syntax match sceneName "{[a-z][a-z0-9_-]*}"
syntax match sceneEscape "\\\(x\x\x\|.\)" contained
syntax region sceneText start=+"+ skip=+\\.+ end=+"\|$+ contains=sceneEscape,sceneName
syntax match sceneComment "#.*$"
highlight default link sceneKeyword Keyword
highlight default link sceneNumber Number
highlight default link sceneSignal Constant
highlight default link sceneName Identifier
highlight default link sceneEscape SpecialChar
highlight default link sceneText String
highlight default link sceneComment Comment
let b:current_syntax = "echospec-scene"
