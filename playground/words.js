// The words of the page around cnncalc's own, which speaks both languages itself.
const WORDS = {
  en: {
    network: "Network", open: "Open a file", share: "Copy the link", language: "Language", spec: "Spec",
    problems: "Problems", questions: "Questions", explain: "Explain", check: "Check", solve: "Solve", sweep: "Sweep", field: "What a unit sees",
    layer: "Layer", quantity: "Number", answers: "Answers, one a line: C1.params = 156", ask: "Ask",
    net: "Network", netHint: "the text above, or one line: 1x32x32; conv 6 k$k", find: "Find", where: "Where", best: "Show",
    everySolution: "every solution", most: "the most of", least: "the least of", mostOf: "most {name}", leastOf: "least {name}",
    over: "Over", across: "Across", up: "Up", example_everyWidth: "Every {name}", example_everySize: "Every input size",
    example_both: "Both", examples: "Examples", example_window: "Kernel, stride, padding of {name}", example_width: "Largest {name} with {where}",
    example_size: "Input size for {where}", example_depth: "How many 3x3 layers see 31 pixels", searching: "Searching ...", stop: "Stop", stopped: "Stopped",
    noFamily: "A model of another program has no parameters: write a network in one line.",
    slowSearch: "Stopped: a page searches for ten seconds at most. Give it fewer values; the command line searches longer.",
    unit: "Unit", unitHint: "The map of the layer: click a unit", answer: "Answer", report: "Report",
    drop: "Drop a spec, an ONNX or a Keras file: it is read here, nothing is uploaded",
    loading: "Loading Python ...", unpack: "Unpacking ...", import: "Starting ...", counting: "Counting ...", ready: "Ready",
    copied: "The link is copied", address: "The link is in the address line", failed: "This page could not start: {why}", slow: "That took too long and was stopped",
    broken: "cnncalc went wrong here, which is its own fault: {why}", cut: "The link was cut off: nothing is opened",
    unread: "{name} cannot be read: {why}", reading: "Reading {name}, {size}, on this machine ...", back: "Back to the text",
    large: "it is larger than a page can hold; the command line reads it", stays: "A model stays on this machine: no link holds it",
    fromFile: "{name} ({size}) is a model of another program.\nIt is shown beside this and can be asked about, but not edited here:\n{why}", all: "all", own: "your own",
    picture: "The last picture that was right; the text has problems",
  },
  zh: {
    network: "网络", open: "打开文件", share: "复制链接", language: "语言", spec: "规格", problems: "问题", questions: "提问",
    explain: "讲解", check: "批改", solve: "反求", sweep: "遍历", field: "一个单元看到什么", layer: "层", quantity: "数",
    answers: "答案，每行一个：C1.params = 156", ask: "提问",
    net: "网络", netHint: "上面的文本，或写一行：1x32x32; conv 6 k$k", find: "求", where: "条件", best: "显示",
    everySolution: "所有解", most: "最大的", least: "最小的", mostOf: "{name} 最大", leastOf: "{name} 最小",
    over: "取值", across: "横轴", up: "纵轴", example_everyWidth: "各种 {name}", example_everySize: "各种输入大小",
    example_both: "两者都变", examples: "例子", example_window: "{name} 的卷积核、步幅、填充", example_width: "{where} 时最大的 {name}",
    example_size: "{where} 时的输入大小", example_depth: "几层 3x3 能看到 31 个像素", searching: "正在搜索……", stop: "停止", stopped: "已停止",
    noFamily: "其他程序的模型没有参数：请写一行网络。",
    slowSearch: "已停止：本页最多搜索十秒。请少给一些取值；命令行可以搜索得更久。",
    unit: "单元", unitHint: "该层的特征图：点击一个单元",
    answer: "回答", report: "报告", drop: "拖入规格、ONNX 或 Keras 文件：只在本页读取，不会上传",
    loading: "正在加载 Python……", unpack: "正在解压……", import: "正在启动……", counting: "正在计算……", ready: "就绪",
    copied: "链接已复制", address: "链接在地址栏中", failed: "本页无法启动：{why}", slow: "用时过长，已停止",
    broken: "cnncalc 在这里出错了，这是它自己的错：{why}", cut: "链接不完整：没有打开任何内容",
    unread: "无法读取 {name}：{why}", reading: "正在本机读取 {name}（{size}）……", back: "回到文本",
    large: "文件过大，网页放不下；请用命令行读取", stays: "模型只留在本机：链接中不含它",
    fromFile: "{name}（{size}）是其他程序的模型。\n它显示在旁边，可以提问，但不能在这里编辑：\n{why}", all: "全部", own: "自己的",
    picture: "这是上一个正确的结果；文本有问题",
  },
};

export const LANGUAGES = Object.keys(WORDS);

export function wordsIn(language) {
  return (key, values = {}) => WORDS[language][key].replace(/\{(\w+)\}/g, (_, name) => values[name]);
}
