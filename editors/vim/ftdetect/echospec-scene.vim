autocmd BufRead,BufNewFile *.scene setfiletype echospec-scene
