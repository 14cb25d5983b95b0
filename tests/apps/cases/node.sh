# SPDX-License-Identifier: BSD-3-Clause
need node || return 0
N=$(readlink -f "$(type -P node)")
same print "$N" -e 'console.log([1,2,3].map(x => x ** 2).join(), process.version)'
same promises "$N" -e 'const t=setTimeout(()=>console.log("timer"),20); Promise.all([1,2,3].map(async x => x*2)).then(v => console.log(v)); process.on("exit", c => console.log("exit", c)); process.exitCode = 3'
same crypto "$N" -e 'const c=require("crypto"); console.log(c.createHash("sha256").update("x").digest("hex")); c.pbkdf2("a","b",1000,16,"sha256",(e,k)=>console.log(k.toString("hex")))'
same workers "$N" -e 'const {Worker}=require("worker_threads"); let n=0; for(let i=0;i<3;i++) new Worker("require(\"worker_threads\").parentPort.postMessage([...Array(1e5).keys()].reduce((a,b)=>a+b))",{eval:true}).on("message",m=>{n+=m;console.log(n)})'
same files "$N" -e 'const fs=require("fs"); fs.writeFileSync("/tmp/clade-node-x","data"); console.log(fs.readFileSync("/tmp/clade-node-x","utf8")); fs.unlinkSync("/tmp/clade-node-x"); fs.promises.readdir("/tmp/clade-node-x").catch(e=>console.log(e.code))'
same wasm "$N" -e 'const b=new Uint8Array([0,97,115,109,1,0,0,0,1,7,1,96,2,127,127,1,127,3,2,1,0,7,7,1,3,97,100,100,0,0,10,9,1,7,0,32,0,32,1,106,11]); WebAssembly.instantiate(b).then(m=>console.log(m.instance.exports.add(40,2)))'
same stdin -i /etc/services "$N" -e 'let n=0; process.stdin.on("data",d=>n+=d.length).on("end",()=>console.log(n))'
